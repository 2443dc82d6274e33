#!/bin/bash
# Records raw.log and enriched.log anew, here. Needs root, gcc, auditd 3 and a kernel whose audit
# nobody else uses; leaves the kernel's audit switched off, with its defaults.
set -u
here=$(cd "$(dirname "$0")" && pwd)
base=/srv/exercise # what the rules are scoped to, and what exercise.c works below

configuration() {
    cat <<CONF
local_events = yes
write_logs = yes
log_file = $base/out/audit.log
log_format = $1
flush = NONE
max_log_file = 100
max_log_file_action = IGNORE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = $base/plugins
CONF
}

rules() {
    auditctl -a always,exit -F arch=b64 -S all -F exe=$base/exerciser -k idl-all -k second
    auditctl -a always,exit -F arch=b32 -S all -F exe=$base/exerciser -k idl32
    auditctl -a always,exit -F arch=b64 -S execve,execveat -F exe=/usr/bin/true -k ex
    auditctl -a always,exit -F arch=b64 -S execve -F exe=$base/work/suidtrue -k suid
    auditctl -a always,io_uring -S openat -F exe=$base/exerciser -k uring
    auditctl -w $base/work/plain -p wa -k watch
}

record() {
    rm -rf $base/out $base/work
    mkdir -m 700 -p $base/out $base/conf $base/plugins
    mkdir -m 755 -p $base/work
    cp /bin/true $base/work/suidtrue && chmod 4755 $base/work/suidtrue
    touch $base/work/fan
    configuration "$1" >$base/conf/auditd.conf
    auditctl --backlog_wait_time 1 >/dev/null
    auditctl -b 8192 >/dev/null
    auditd -n -c $base/conf &
    local daemon=$!
    sleep 1
    auditctl -e 1 >/dev/null
    rules
    timeout 20 $base/exerciser
    auditctl -m "hello from a test"
    sleep 1
    auditctl -D >/dev/null
    kill -TERM $daemon
    wait $daemon
    auditctl -e 0 >/dev/null
    auditctl --backlog_wait_time 15000 >/dev/null
    auditctl -b 64 >/dev/null
}

mkdir -p $base
gcc -O1 -w -o $base/exerciser "$here/exercise.c" -lrt || exit 1
for form in RAW ENRICHED; do
    record $form
    cp $base/out/audit.log "$here/${form,,}.log"
done
rm -rf $base
