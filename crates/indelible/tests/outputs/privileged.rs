//! The agent's optional helpers, which hold privileges: each with the kernel's own records.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use indelible_testkit::{Kernel, copy_program};
use rustix::fs::{Gid, Uid};

use super::host::{Host, wait_for};

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Another role of the host's agent; ends with its standard input.
fn role(host: &Host, role: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["agent", "--supervised", "--role", role, "--config"])
        .arg(host.path("agent.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .env("INDELIBLE_LOG", "error")
        .spawn()
        .unwrap()
}

fn stop(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn wait_for_capture(pid: u32) {
    wait_for("capture", || {
        let status = indelible_sys::audit::Control::open().unwrap().status();
        status.unwrap().pid == pid
    });
}

/// A program with LD_PRELOAD set: its context has the variable, no other one, and the program's hash.
#[test]
fn inspect_adds_the_listed_environment_and_the_hash() {
    let Some(mut kernel) = Kernel::claim("inspect_adds_the_listed_environment_and_the_hash") else {
        return;
    };
    let mut host = Host::new(
        "capture = \"kernel\"\n[inspect]\n[[outputs]]\nname = \"file\"\nto = [\"file:FOLDER/out.log\"]\n",
    );
    host.start_role("capture");
    let helper = role(&host, "inspect");
    wait_for("the helper", || host.path("spool/inspect/socket").exists());
    host.start_worker();
    wait_for("the context", || {
        let streams = fs::read_dir(host.path("spool/context/streams"));
        streams.is_ok_and(|mut streams| streams.next().is_some())
    });
    let program = kernel.path("sleeper");
    copy_program("/bin/sleep", &program);
    kernel.load("-a always,exit -F path={}/sleeper -F perm=x -F key=indelible_test");
    // It is there as long as a busy machine needs to look into it.
    let mut sleeper = Command::new(&program)
        .arg("90")
        .env("LD_PRELOAD", "/nonexistent/indelible.so")
        .env("SECRET_OF_THE_TEST", "s3cret")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let find = || {
        let lines = host.lines("out.log");
        lines
            .into_iter()
            .find(|line| line.contains("exe_sha256") && line.contains("/nonexistent/indelible.so"))
    };
    wait_for("the context", || find().is_some());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let context = find().unwrap();
    let sum = Command::new("sha256sum").arg(&program).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(context.contains(&sum[..64]), "{context}");
    assert!(!context.contains("s3cret"), "{context}");
    kernel.unload();

    // It holds two capabilities, may make no socket of the network, and traces nobody.
    let status = fs::read_to_string(format!("/proc/{}/status", helper.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.unwrap()[name.len()..].trim().to_owned()
    };
    let held = u64::from_str_radix(&field("CapEff:"), 16).unwrap();
    assert_eq!(
        held,
        1 << 19 | 1 << 2,
        "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH"
    );
    assert_eq!(
        (field("Seccomp:"), field("NoNewPrivs:")),
        ("2".into(), "1".into())
    );
    stop(helper);
    host.stop_worker();
    host.stop_sources();
}

/// Who is not the worker cannot connect; and where the socket's mode would let him, he is not answered.
#[test]
fn inspect_answers_the_worker_alone() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: inspect_answers_the_worker_alone needs root");
        return;
    }
    let host =
        Host::new("[inspect]\n[[outputs]]\nname = \"file\"\nto = [\"file:FOLDER/out.log\"]\n");
    let helper = role(&host, "inspect");
    let socket = host.path("spool/inspect/socket");
    wait_for("the helper", || socket.exists());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    wait_for("its mode", || mode(&socket) == 0o660);
    // What it is asked is this process, which the one who asks may know all about.
    let pid = std::process::id();
    let start_ticks = indelible_sys::proc::Process { pid }.start_ticks().unwrap();
    let question = [&pid.to_be_bytes()[..], &start_ticks.to_be_bytes()].concat();
    let ask = |user: Option<u32>| -> std::io::Result<Vec<u8>> {
        let (socket, question) = (socket.clone(), question.clone());
        let asking = std::thread::spawn(move || {
            if let Some(user) = user {
                let (gid, uid) = (Gid::from_raw(user), Uid::from_raw(user));
                // Of this thread alone: the kernel tells the peer who connected.
                rustix::thread::set_thread_groups(&[])?;
                rustix::thread::set_thread_res_gid(gid, gid, gid)?;
                rustix::thread::set_thread_res_uid(uid, uid, uid)?;
            }
            let mut stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
            stream.write_all(&question)?;
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut answer = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut answer)?;
            Ok(answer)
        });
        asking.join().unwrap()
    };
    let refused = ask(Some(STRANGER)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    for folder in socket.ancestors().skip(1) {
        if mode(folder) & 0o001 == 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).unwrap();
        }
    }
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let refused = ask(Some(STRANGER)).unwrap_err();
    // The socket is closed, with the question in it or before it is written.
    let is_closed = [
        ErrorKind::UnexpectedEof,
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
    ];
    assert!(is_closed.contains(&refused.kind()), "{refused}");
    // The helper goes on answering who may ask: its own user, and the worker's.
    for may_ask in [None, Some(WORKER)] {
        let answer = String::from_utf8(ask(may_ask).unwrap()).unwrap();
        assert!(answer.contains("\"exe_sha256\":\""), "{answer}");
    }
    stop(helper);
}

/// Each level of the disk runs what the site has configured for it, against fakes; capture says so, and
/// what came while it was suspended is accounted for.
#[test]
fn the_disk_asks_for_what_the_site_demands() {
    let Some(mut kernel) = Kernel::claim("the_disk_asks_for_what_the_site_demands") else {
        return;
    };
    let host = Host::new(
        "capture = \"kernel\"\n[limits]\nmin-free = 9000000000000000000\n\
         [disk]\nspace-left = \"99%\"\nspace-left-action = \"exec:FOLDER/tell\"\n\
         admin-space-left = \"98%\"\nadmin-space-left-action = \"single\"\n\
         disk-full-action = \"halt\"\nsingle-command = [\"FOLDER/single\", \"1\"]\n\
         halt-command = [\"FOLDER/halt\", \"0\"]\n",
    );
    for name in ["tell", "single", "halt"] {
        let told = host.path(&format!("{name}.told"));
        let text = format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", told.display());
        script(&host.path(name), &text);
    }
    let guard = role(&host, "guard");
    wait_for("the guard", || host.path("spool/guard/socket").exists());
    let capture = role(&host, "capture");
    wait_for_capture(capture.id());
    kernel.load("-a always,exit -F path={}/nothing -F perm=r -F key=indelible_test");
    for (name, words) in [("tell", ""), ("single", "1"), ("halt", "0")] {
        wait_for(name, || !host.lines(&format!("{name}.told")).is_empty());
        let told = host.lines(&format!("{name}.told"));
        assert_eq!(told, [format!("{} {words}", host.path(name).display())]);
    }
    kernel.unload();
    stop(guard);
    let mut capture = capture;
    // It cannot write what it still holds, and says so.
    drop(capture.stdin.take());
    capture.wait().unwrap();
}

/// `suspend`: nothing is written below the limit; the gap entry that follows counts what came.
#[test]
fn suspended_capture_counts_what_comes() {
    let Some(mut kernel) = Kernel::claim("suspended_capture_counts_what_comes") else {
        return;
    };
    // A disk of the test's own, with ballast that can be taken away.
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
        .arg(&disk)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: suspended_capture_counts_what_comes: no mount here");
        return;
    }
    let _unmounted = Mounted(disk.clone());
    let shown = disk.display();
    fs::write(
        folder.path().join("agent.toml"),
        format!(
            "spool = \"{shown}/spool\"\ncapture = \"kernel\"\n[limits]\nmin-free = 0\n\
             [disk]\nspace-left = \"20M\"\nspace-left-action = \"suspend\"\n"
        ),
    )
    .unwrap();
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 50 << 20]).unwrap();
    let mut capture = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["agent", "--supervised", "--role", "capture", "--config"])
        .arg(folder.path().join("agent.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .env("INDELIBLE_LOG", "error")
        .spawn()
        .unwrap();
    wait_for_capture(capture.id());
    let status = || {
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["status", "--format", "json", "--spool"])
            .arg(disk.join("spool"))
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let said = |status: &serde_json::Value| status.to_string().contains("space-left: ");
    wait_for("the finding", || said(&status()));
    kernel.load("-a always,exit -F path={}/seen -F perm=r -F key=indelible_test");
    fs::write(kernel.path("seen"), "x").unwrap();
    for _ in 0..20 {
        let read = Command::new("cat").arg(kernel.path("seen")).output();
        assert!(read.unwrap().status.success());
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    fs::remove_file(&ballast).unwrap();
    let dropped = || status()["boots"][0]["gaps"]["dropped"]["count"].as_u64();
    wait_for("the gap entry", || dropped() >= Some(100));
    kernel.unload();
    drop(capture.stdin.take());
    assert!(capture.wait().unwrap().success());
}

/// A mount that is taken away with the test.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// uid and gid of `nobody`, whom the worker becomes by default.
const WORKER: u32 = 65_534;
/// Those of somebody else.
const STRANGER: u32 = 65_533;
