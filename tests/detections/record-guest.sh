#!/bin/bash
# What `cargo xtask detections record` does inside its machine, as root, with systemd as the first
# process: the recorder does the procedures of /mnt/cases and leaves what the kernel audited there.
set -u
exec < /dev/null > /dev/console 2>&1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

echo "STEP the procedures, on Linux $(uname -r)"
/mnt/xtask detections record --inside /mnt/cases || {
    echo "FAILED the recorder"
    journalctl --no-pager -n 40
}
sync
echo "ALL DONE"
systemctl poweroff --force --force
