//! Stores in WebAssembly that misbehave: what apps get, and that nobody else notices.
//!
//! | module | claims about |
//! |---|---|
//! | `ground` | nothing: the host that the others stand on |
//! | `breaking` | stores that trap, hang, and take all there is |
//! | `looping` | stores of the serve-loop form, in which many calls are under way at once |
//! | `lying` | answers that no store should give |
//! | `plugins` | what plugins of go-plugin can do beyond that |
//! | `reaching` | what stores were not given |
//! | `starting` | stores that do not start |
//! | `supervision` | back-off, `/healthz`, the queue, callers that leave |

mod breaking;
mod ground;
mod looping;
mod lying;
mod plugins;
mod reaching;
mod starting;
mod supervision;
