//! Somebody changes the past: the right finding, and nothing is merged silently.

use indelible_wire::native::{Append, AppendResult, Finding, StreamId};

use super::for_each_seed;
use super::honest::check_log;
use super::world::World;
use crate::model::random::Random;
use crate::model::spool::Spool;

const RUNS: u64 = 150;

#[test]
fn a_spool_cut_back_in_the_same_boot_is_a_finding() {
    for_each_seed("spool wiped", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 1);
        let end = world.hosts[0].spool.streams[&stream].entries.len() as u64;
        let next = 1 + world.random.below(end - 1);
        world.hosts[0].spool.wipe(stream, next as usize);
        if world.random.one_in(2) {
            let now = world.now;
            world.hosts[0].announce(now, stream);
        } else {
            restart(&mut world, 0);
        }
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::SpoolWiped { stream: found, spooled_next, .. }]
                if *found == stream && *spooled_next == next),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), stored);
    });
}

#[test]
fn a_spool_written_anew_is_a_fork() {
    for_each_seed("spool rewritten", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 1);
        let end = world.hosts[0].spool.streams[&stream].entries.len() as u64;
        let kept = 1 + world.random.below(end - 1);
        world.hosts[0].spool.wipe(stream, kept as usize);
        for _ in kept..end + world.random.below(5) {
            world.hosts[0].spool.append(stream, b"it was never so");
        }
        restart(&mut world, 0);
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::Fork { stream: found, .. }] if *found == stream),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), stored);
    });
}

#[test]
fn a_tail_lost_with_the_power_is_no_finding_and_stays_at_the_collector() {
    for_each_seed("tail lost", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 1);
        let end = world.hosts[0].spool.streams[&stream].entries.len() as u64;
        let kept = 1 + world.random.below(end - 1);
        world.hosts[0].spool.wipe(stream, kept as usize);
        world.sever(0);
        let now = world.now;
        world.hosts[0].crash_host(now, &mut world.random);
        world.settle();
        assert_eq!(world.findings(), Vec::<&_>::new());
        assert!(world.is_delivered());
        assert_eq!(world.collector.log.entries_of(stream), stored);
        check_log(&world);
    });
}

#[test]
fn a_collector_restored_from_a_backup_is_rolled_back() {
    for_each_seed("rolled back", RUNS, |seed| {
        let (mut world, stream, _) = delivered_world(seed, 1);
        let backup = world.random.below(world.hosts[0].held.size) as usize;
        world.crash_collector();
        world.collector.log.cut(backup);
        let before = world.collector.log.entries_of(stream);
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::RolledBack { held, shown }]
                if shown.size == backup as u64 && *held == world.hosts[0].held),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), before);
        assert!(world.collector.contradicted.contains(&world.hosts[0].held));
    });
}

#[test]
fn a_collector_that_grew_again_after_a_roll_back_is_rewritten() {
    for_each_seed("grown again", RUNS, |seed| {
        let (mut world, stream, _) = delivered_world(seed, 1);
        let held = world.hosts[0].held.size;
        let backup = world.random.below(held) as usize;
        world.crash_collector();
        world.collector.log.cut(backup);
        let before = world.collector.log.entries_of(stream);
        // Down to exactly the size that the agent holds: then only the root differs.
        let grown = held - backup as u64 + world.random.below(4);
        append_as_stranger(&mut world, grown);
        world.collector.log.commit();
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::Rewritten { .. }]),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), before);
    });
}

#[test]
fn a_collector_that_altered_an_entry_is_rewritten() {
    for_each_seed("altered", RUNS, |seed| {
        let (mut world, _, _) = delivered_world(seed, 1);
        let index = world.random.below(world.hosts[0].held.size) as usize;
        world.crash_collector();
        world.collector.log.rewrite(index);
        if world.random.one_in(2) {
            append_as_stranger(&mut world, 3);
            world.collector.log.commit();
        }
        let now = world.now;
        world.hosts[0].write_entries(now, &mut world.random);
        let size = world.collector.log.size();
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::Rewritten { .. }]),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.size(), size, "nothing more was sent");
    });
}

#[test]
fn a_position_below_a_receipt_is_a_finding() {
    for_each_seed("regressed", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 1);
        world.crash_collector();
        world.collector.log.forget_last(stream);
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::Regressed { stream: found, .. }]
                if *found == stream),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), stored);
    });
}

#[test]
fn entries_deleted_before_they_were_sent_are_a_finding() {
    for_each_seed("retention hole", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 1);
        world.cut(0);
        world.turn();
        let spool = &mut world.hosts[0].spool;
        (0..5).for_each(|_| spool.append(stream, b"unsent"));
        let spooled = spool.streams.get_mut(&stream).expect("stream is spooled");
        spooled.oldest = spooled.entries.len() as u64 - 2;
        restart(&mut world, 0);
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::RetentionHole { stream: found, durable_next, oldest }]
                if *found == stream && durable_next + 3 == *oldest),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), stored);
    });
}

#[test]
fn a_stolen_stream_is_denied_and_the_rest_flows() {
    for_each_seed("stolen stream", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 2);
        let stolen = world.hosts[0].spool.streams[&stream].clone();
        let thief = &mut world.hosts[1];
        thief.spool.streams.insert(stream, stolen);
        thief.spool.append(stream, b"forged");
        let honest = thief.spool.open_stream(&mut world.random);
        restart(&mut world, 1);
        run_on(&mut world);
        assert!(
            matches!(world.findings()[..], [Finding::Denied { stream: found, .. }]
                if *found == stream),
            "{:?}",
            world.findings()
        );
        assert_eq!(world.collector.log.entries_of(stream), stored);
        assert_eq!(world.collector.log.entries_of(honest).len(), 1);
    });
}

#[test]
fn two_clones_of_one_host_end_in_a_fork() {
    for_each_seed("clones", RUNS, |seed| {
        let (mut world, stream, stored) = delivered_world(seed, 2);
        world.hosts[1].spool = world.hosts[0].spool.clone();
        world.hosts[1].peer = world.hosts[0].peer.clone();
        world.hosts[1].held = world.hosts[0].held;
        world.hosts[0].spool.append(stream, b"in this world");
        world.hosts[1].spool.append(stream, b"in that world");
        restart(&mut world, 0);
        restart(&mut world, 1);
        run_on(&mut world);
        // Each may be shown the other's entry; one of them at least is.
        assert!(!world.findings().is_empty());
        for finding in world.findings() {
            assert!(
                matches!(finding, Finding::Fork { stream: found, .. } if *found == stream),
                "{finding:?}"
            );
        }
        let now_stored = world.collector.log.entries_of(stream);
        assert_eq!(now_stored.len(), stored.len() + 1);
        assert_eq!(now_stored[..stored.len()], stored);
    });
}

/// A world in which every entry is released, one of its streams, of this boot, with at least two
/// entries, and what the log holds of it.
fn delivered_world(seed: u64, hosts: usize) -> (World, StreamId, Vec<Vec<u8>>) {
    let mut world = World::new(seed, hosts);
    let stream = world.hosts[0].spool.current()[0];
    for _ in 0..3 {
        world.hosts[0].spool.append(stream, b"something happened");
    }
    for _ in 0..40 {
        world.live();
    }
    let now = world.now;
    world.hosts[0].announce(now, stream);
    world.settle();
    assert!(world.is_delivered());
    assert_eq!(world.findings(), Vec::<&_>::new());
    let stored = world.collector.log.entries_of(stream);
    (world, stream, stored)
}

/// Long enough for every reconnection, distrust included.
fn run_on(world: &mut World) {
    (0..400).for_each(|_| world.calm());
}

fn restart(world: &mut World, host: usize) {
    world.sever(host);
    let now = world.now;
    world.hosts[host].start_process(now, &mut world.random);
}

/// Grows the log by somebody else's entries.
fn append_as_stranger(world: &mut World, entries: u64) {
    if entries == 0 {
        return;
    }
    let mut random = Random(world.random.next());
    let mut spool = Spool::new();
    let stream = spool.open_stream(&mut random);
    (1..entries).for_each(|_| spool.append(stream, b"foreign"));
    let read = spool.read(stream, 0, entries).expect("just written");
    let append = Append {
        stream,
        first: 0,
        entries: read.entries,
        head_before: read.head_before,
        head_after: read.head_after,
        raw: read.raw,
    };
    let result = world.collector.log.append("stranger", &append);
    assert!(matches!(result, AppendResult::Accepted { .. }));
}
