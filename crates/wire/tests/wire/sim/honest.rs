//! Everybody is honest and everything breaks: exactly once, in order, nothing released too early.

use std::collections::BTreeMap;

use super::for_each_seed;
use super::world::World;

#[test]
fn every_spooled_entry_is_stored_exactly_once_and_in_order() {
    for_each_seed("exactly once", 1_500, |seed| {
        let mut world = World::new(seed, 1 + (seed % 2) as usize);
        for _ in 0..120 {
            world.live();
            if world.random.one_in(14) {
                world.break_something();
            }
        }
        world.settle();
        assert_eq!(world.findings(), Vec::<&_>::new(), "nobody did wrong");
        assert!(world.is_delivered(), "nothing is left behind");
        check_log(&world);
    });
}

/// The log holds each stream from 0 without hole or repetition, and every entry of every spool.
pub(super) fn check_log(world: &World) {
    let mut next = BTreeMap::new();
    for leaf in &world.collector.log.leaves {
        let expected = next.entry(leaf.stream).or_insert(0);
        assert_eq!(leaf.sequence, *expected, "stream {}", leaf.stream);
        *expected += 1;
    }
    for host in &world.hosts {
        for (stream, spooled) in &host.spool.streams {
            let stored = &world.collector.log.streams[stream].leaves;
            for (entry, leaf) in spooled.entries.iter().zip(stored) {
                assert_eq!(*entry, world.collector.log.leaves[*leaf as usize].entry);
            }
            assert!(stored.len() >= spooled.entries.len());
        }
    }
}
