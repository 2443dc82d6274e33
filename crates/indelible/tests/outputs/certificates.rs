//! Certificates that do not fit: each side refuses the other with a clear line, nothing that is spooled is
//! lost, and with the right ones everything arrives once.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};

use super::collector::Collector;
use super::host::{Host, wait_for};
use super::native::lines;
use super::verified_but_for_silence;

const COUNT: usize = 200;

/// What a host knows of its collector, and shows of itself.
#[derive(Clone)]
struct Shown {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    name: &'static str,
}

impl Shown {
    fn right(collector: &Collector, name: &str) -> Self {
        let (certificate, key) = collector.issue(name);
        Self {
            ca: collector.pki().join("ca.pem"),
            certificate,
            key,
            name: "collector",
        }
    }

    fn table(&self, collector: &Collector) -> String {
        format!(
            "[collector]\naddress = \"127.0.0.1:{}\"\nname = \"{}\"\nlog-key = \"{}\"\n\
             tls = {{ ca = \"{}\", certificate = \"{}\", key = \"{}\" }}\n",
            collector.port("native"),
            self.name,
            collector.pki().join("log.vkey").display(),
            self.ca.display(),
            self.certificate.display(),
            self.key.display(),
        )
    }
}

/// Replaces a certificate by one that the same authority signed and that has expired.
fn expire(pki: &Path, name: &str) {
    let read = |file: &str| fs::read_to_string(pki.join(file)).unwrap();
    let authority = KeyPair::from_pem(&read("ca-key.pem")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), authority).unwrap();
    let key = KeyPair::from_pem(&read(&format!("{name}-key.pem"))).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(pki.join(format!("{name}.pem")), certificate.pem()).unwrap();
}

/// A host with what does not fit, until its log says `why`; then with what does.
fn check(
    collector: &mut Collector,
    wrong: &Shown,
    right: &Shown,
    why: &[&str],
    mend: impl FnOnce(&mut Collector),
) {
    let before = lines(collector).len();
    let mut host = Host::new(&wrong.table(collector));
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    let said = |part: &&str| host.lines("stderr").iter().any(|line| line.contains(*part));
    wait_for(&format!("one of {why:?}"), || why.iter().any(said));
    assert_eq!(lines(collector).len(), before);
    host.kill_worker();
    mend(collector);
    let config = fs::read_to_string(host.path("agent.toml")).unwrap();
    let config = config.replace(&wrong.table(collector), &right.table(collector));
    fs::write(host.path("agent.toml"), config).unwrap();
    host.start_worker();
    wait_for("everything", || lines(collector).len() == before + COUNT);
    host.stop_sources();
    host.stop_worker();
    let numbers = lines(collector)[before..]
        .iter()
        .map(|(.., number)| *number)
        .collect::<Vec<_>>();
    assert!(numbers.into_iter().eq(0..COUNT));
}

#[test]
fn collectors_that_are_not_the_right_one_get_nothing() {
    let (mut collector, other) = (Collector::start(), Collector::start());
    let right = Shown::right(&collector, "web1.example");
    let authority = Shown {
        ca: other.pki().join("ca.pem"),
        ..right.clone()
    };
    let keep = |_: &mut Collector| {};
    check(
        &mut collector,
        &authority,
        &right,
        &["UnknownIssuer", "BadSignature"],
        keep,
    );
    let name = Shown {
        name: "other.example",
        ..Shown::right(&collector, "web2.example")
    };
    let right = Shown::right(&collector, "web2.example");
    check(&mut collector, &name, &right, &["not valid for name"], keep);

    let right = Shown::right(&collector, "web3.example");
    let good = fs::read(collector.pki().join("collector.pem")).unwrap();
    expire(&collector.pki(), "collector");
    collector.stop();
    collector.run();
    check(
        &mut collector,
        &right,
        &right,
        &["expired", "Expired"],
        |collector| {
            fs::write(collector.pki().join("collector.pem"), good).unwrap();
            collector.stop();
            collector.run();
        },
    );
    collector.verified(0);
}

#[test]
fn hosts_that_are_not_the_right_one_give_nothing() {
    let (mut collector, other) = (Collector::start(), Collector::start());
    let keep = |_: &mut Collector| {};
    let right = Shown::right(&collector, "web1.example");
    let foreign = Shown {
        ca: right.ca.clone(),
        ..Shown::right(&other, "web1.example")
    };
    check(
        &mut collector,
        &foreign,
        &right,
        &["the connection broke", "alert"],
        keep,
    );

    let wrong = Shown::right(&collector, "web2.example");
    expire(&collector.pki(), "web2.example");
    let right = Shown::right(&collector, "web3.example");
    check(
        &mut collector,
        &wrong,
        &right,
        &["the connection broke", "alert"],
        keep,
    );
    collector.verified(0);
}

/// With a certificate that is good, but another host's: its streams are not that one's to write.
#[test]
fn a_stream_is_its_hosts_alone() {
    let mut collector = Collector::start();
    let (own, another) = (
        Shown::right(&collector, "web1.example"),
        Shown::right(&collector, "web2.example"),
    );
    let mut host = Host::new(&own.table(&collector));
    let show = |host: &Host, before: &Shown, after: &Shown| {
        let config = fs::read_to_string(host.path("agent.toml")).unwrap();
        let config = config.replace(&before.table(&collector), &after.table(&collector));
        fs::write(host.path("agent.toml"), config).unwrap();
    };
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("the first part", || lines(&collector).len() == COUNT);
    host.stop_worker();
    show(&host, &own, &another);
    host.log(COUNT..2 * COUNT);
    host.start_worker();
    let findings = || host.lines("spool/worker/findings.ndjson");
    wait_for("a finding", || {
        findings().iter().any(|line| line.contains("Denied"))
    });
    assert_eq!(lines(&collector).len(), COUNT);
    host.kill_worker();
    show(&host, &another, &own);
    host.start_worker();
    wait_for("the rest", || lines(&collector).len() == 2 * COUNT);
    host.stop_sources();
    host.stop_worker();
    verified_but_for_silence(&mut collector);
}
