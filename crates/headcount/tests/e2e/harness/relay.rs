//! A network between a container that has none and this host.
//!
//! Promise: what a container connects to on its own loopback, at one port, reaches the same
//! port of this host's, byte for byte; nothing is understood, so TLS goes through it. It ends
//! when it is dropped.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use rustix::net::shutdown;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::processes::Process;

/// One port of one container.
pub struct Relay(Arc<TcpListener>);

impl Relay {
    /// Into the container in which this process runs.
    pub fn into(inside: &Process, port: u16) -> Self {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let network = File::open(format!("/proc/{}/ns/net", inside.pid)).unwrap();
        // A socket stays in the network in which it was made; the thread is not needed again.
        let listening = thread::spawn(move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(network.as_fd(), kind).unwrap();
            TcpListener::bind(address).unwrap()
        });
        let listener = Arc::new(listening.join().unwrap());
        let accepting = listener.clone();
        thread::spawn(move || {
            while let Ok((inside, _)) = accepting.accept() {
                thread::spawn(move || carry(inside, address));
            }
        });
        Self(listener)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Whoever accepts wakes up with an error.
        let _ = shutdown(&*self.0, rustix::net::Shutdown::Both);
    }
}

/// Until one of the two sides is done.
fn carry(inside: TcpStream, address: SocketAddrV4) {
    let Ok(outside) = TcpStream::connect(address) else {
        return;
    };
    let (mut to, mut from) = (outside.try_clone().unwrap(), inside.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut to, mut from) = (inside, outside);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = there.join();
}
