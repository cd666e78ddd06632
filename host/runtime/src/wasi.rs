//! Which of WASI 0.2 a guest gets, and from whom.
//!
//! All of it from wasmtime-wasi except TCP and look-ups of names, which are [the host's own](crate::network). Theirs are not
//! linked at all, since they have another patch version, and a component that asks for that one would get them.

use crate::network::{self, Sockets};
use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

/// Links it. What is linked and not given, such as files and UDP, is refused when it is called.
pub(crate) fn add_to_linker<T: WasiView + 'static>(
    linker: &mut Linker<T>,
    reached: fn(&mut T) -> Sockets<'_>,
) -> wasmtime::Result<()> {
    // Streams, clocks, random numbers, and the standard streams.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    others(linker)?;
    udp(linker)?;
    network::add_to_linker(linker, reached)
}

fn others<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, |guest| guest.cli())?;
    filesystem::types::add_to_linker::<T, WasiFilesystem>(linker, |guest| guest.filesystem())?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(linker, |guest| guest.filesystem())?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, |guest| guest.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, |guest| guest.ctx().ctx.random())
}

/// UDP, which refuses to make a socket, and what TCP shares with it.
fn udp<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let theirs = <T as WasiSocketsView>::sockets;
    sockets::network::add_to_linker::<T, WasiSockets>(linker, &Default::default(), theirs)?;
    sockets::instance_network::add_to_linker::<T, WasiSockets>(linker, theirs)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, theirs)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(linker, theirs)
}
