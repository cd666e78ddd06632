//! What is generated from the WIT of `wasi:sockets`, which is not part of what this project publishes: a tool that has its own
//! need not agree with this one.
//!
//! Streams, pollables, error codes and the `network` handle are wasmtime-wasi's types, so that its `wasi:io` serves these
//! sockets, too.

mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit", "wit/wasi-sockets-0.2.10"],
        inline: "
            package dapr:sockets;

            world outwards {
                import wasi:sockets/tcp@0.2.10;
                import wasi:sockets/tcp-create-socket@0.2.10;
                import wasi:sockets/ip-name-lookup@0.2.10;
            }
        ",
        imports: { default: trappable },
        trappable_error_type: {
            "wasi:sockets/network.error-code" => wasmtime_wasi::p2::SocketError,
        },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:sockets/network": wasmtime_wasi::p2::bindings::sockets::network,
            "wasi:sockets/tcp.tcp-socket": crate::network::socket::TcpSocket,
            "wasi:sockets/ip-name-lookup.resolve-address-stream": crate::network::lookup::Lookup,
        },
        require_store_data_send: true,
    });
}

pub(super) use generated::wasi::sockets::{ip_name_lookup, tcp, tcp_create_socket};
pub(super) use wasmtime_wasi::p2::bindings::sockets::network;
