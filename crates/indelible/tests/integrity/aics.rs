//! aics-witness, a witness that others wrote (from PyPI), as ours.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::collector::{Collector, ORIGIN, PROGRAM, copy, wait_for};

/// Where `cargo xtask peers` puts Python packages.
fn program(name: &str) -> Option<PathBuf> {
    let target = PathBuf::from(PROGRAM);
    let path = target
        .parent()?
        .parent()?
        .join("peers/python/bin")
        .join(name);
    path.exists().then_some(path)
}

struct Aics {
    folder: tempfile::TempDir,
    port: u16,
    key: String,
    child: Option<Child>,
}

impl Aics {
    fn new() -> Option<Self> {
        let program = program("aics-witness")?;
        let folder = tempfile::tempdir().unwrap();
        let port = indelible_testkit::free_port();
        let listen = format!("127.0.0.1:{port}");
        let output = Command::new(program)
            .current_dir(&folder)
            .args([
                "init",
                "--name",
                "witness.example/aics",
                "--listen",
                &listen,
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let child = None;
        Some(Self {
            folder,
            port,
            key,
            child,
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program("aics-witness").unwrap());
        command.current_dir(&self.folder).args(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Trusts the log's key, and serves.
    fn serve(&mut self, log_key: &str) {
        let add = self
            .command(&["add-log", "--origin", ORIGIN, "--vkey", log_key])
            .status();
        assert!(add.unwrap().success());
        self.child = Some(self.command(&["serve"]).spawn().unwrap());
        let address = ("127.0.0.1", self.port);
        wait_for("aics-witness", || {
            std::net::TcpStream::connect(address).is_ok()
        });
    }
}

impl Drop for Aics {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn an_independent_witness_cosigns_and_refuses_a_rollback() {
    let Some(mut aics) = Aics::new() else {
        eprintln!("skipped: aics-witness is not installed (`cargo xtask peers`)");
        return;
    };
    let option = format!("{} http://127.0.0.1:{}", aics.key, aics.port);
    let mut collector = Collector::start(&["--witness", &option]);
    let log_key = std::fs::read_to_string(collector.store().join("log.vkey")).unwrap();
    aics.serve(log_key.trim());
    collector.grow(300);
    wait_for("a witnessed checkpoint", || collector.shown() >= 300);
    collector.stop();
    let older = collector.folder().join("older");
    copy(&collector.store(), &older);
    collector.run();
    collector.grow(300);
    wait_for("a witnessed checkpoint", || collector.shown() >= 600);
    let (_, note) = collector.get("/checkpoint", None);
    assert!(
        String::from_utf8(note)
            .unwrap()
            .contains("\u{2014} witness.example/aics ")
    );
    collector.stop();

    std::fs::remove_dir_all(collector.store()).unwrap();
    copy(&older, &collector.store());
    let said = collector.refuses();
    assert!(
        said.contains("witness.example/aics") && said.contains("rolled back"),
        "{said}"
    );
}
