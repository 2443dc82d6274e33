//! Peers that are not there, are killed, or are too slow.

use indelible_testkit::free_port;

use super::collector::Collector;
use super::host::{Host, wait_for};

const COUNT: usize = 3_000;

fn distinct(collector: &Collector) -> usize {
    let mut numbers = collector.contents().numbers();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

/// RELP to our own collector, plain and over TLS; the collector and the worker are killed while
/// messages come: nothing is lost.
#[test]
fn relp_to_our_collector_loses_nothing() {
    let mut collector = Collector::start();
    collector.issue("web1.example");
    let (certificate, key) = collector.issue("web1.example");
    let mut host = Host::new(&format!(
        "[[outputs]]\nname = \"relp\"\nto = [\"relp-tls:127.0.0.1:{}\"]\nidentity = true\n\
         tls = {{ ca = \"{}\", certificate = \"{}\", key = \"{}\", name = \"collector\" }}\n",
        collector.port("relp-tls"),
        collector.pki().join("ca.pem").display(),
        certificate.display(),
        key.display(),
    ));
    host.start_sources();
    host.start_worker();
    for round in 0..3 {
        host.log(round * COUNT..(round + 1) * COUNT);
        let some = round * COUNT + COUNT / 10;
        wait_for("some messages", || distinct(&collector) >= some);
        if round == 1 {
            host.kill_worker();
            host.start_worker();
        } else {
            collector.kill();
            collector.run();
        }
    }
    wait_for("all messages", || distinct(&collector) == 3 * COUNT);
    wait_for("no lag", || host.output("relp")["lag_entries"] == 0);
    host.stop_sources();
    host.stop_worker();
    let contents = collector.verified(0);
    let repeated = contents.numbers().len() - 3 * COUNT;
    println!(
        "{} messages, 3 kills, 0 lost, {repeated} came twice",
        3 * COUNT
    );
}

/// The first destination is dead: the second gets everything, and trouble is told by `status`.
#[test]
fn a_dead_destination_is_passed_over() {
    let dead = free_port();
    let mut host = Host::new(&format!(
        "[[outputs]]\nname = \"two\"\nto = [\"tcp:127.0.0.1:{dead}\", \"udp:127.0.0.1:{dead}\"]\n\
         [[outputs]]\nname = \"dead\"\nto = [\"relp:127.0.0.1:{dead}\"]\nrequired = true\n"
    ));
    host.log(0..100);
    host.start_sources();
    // Bound before the worker starts, so that no datagram is refused.
    let socket = std::net::UdpSocket::bind(("127.0.0.1", dead)).unwrap();
    socket
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    host.start_worker();
    let mut buffer = [0; 2048];
    for _ in 0..100 {
        socket.recv(&mut buffer).unwrap();
    }
    wait_for("trouble", || {
        let dead = host.output("dead");
        let error = dead["state"]["error"].as_str().unwrap_or_default();
        error.contains("cannot connect") && dead["lag_entries"].as_u64() >= Some(100)
    });
    // Required, so that nothing may go from the spool.
    let released = host.path("spool/worker/released");
    assert_eq!(std::fs::read_dir(released).unwrap().count(), 0);
}

/// The collector does not answer at its first address, but at another; the other outputs' positions
/// and the collector's are told apart, and the slowest that is required holds the spool.
#[test]
fn an_alternate_address_of_the_collector_is_found() {
    let collector = Collector::start();
    let (certificate, key) = collector.issue("web1.example");
    let dead = free_port();
    let mut host = Host::new(&format!(
        "[collector]\naddress = \"127.0.0.1:{dead}\"\nalternates = [\"127.0.0.1:{}\"]\nlog-key = \"{pki}/log.vkey\"\n\
         tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{}\", key = \"{}\" }}\n\
         [[outputs]]\nname = \"slow\"\nto = [\"tcp:127.0.0.1:{dead}\"]\nrequired = true\n",
        collector.port("native"),
        certificate.display(),
        key.display(),
        pki = collector.pki().display(),
    ));
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("receipts", || {
        let status = host.status();
        let streams = status["streams"].as_array().unwrap();
        streams
            .iter()
            .any(|stream| stream["released"].as_u64() > Some(COUNT as u64))
    });
    let released = host.path("spool/worker/released");
    assert_eq!(
        std::fs::read_dir(released).unwrap().count(),
        0,
        "the slow one holds it"
    );
}
