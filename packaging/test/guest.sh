#!/bin/bash
# What `cargo xtask package-test` does inside its machine, as root, with systemd as the first process:
# each step prints `STEP …` and, at its end, `DONE …`; the first that fails prints `FAILED …` and ends
# the run. Packages stand in /root/packages/1 and, built again, /root/packages/2.
set -u
exec < /dev/null > /dev/console 2>&1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
store=/var/lib/indelible-collector/store

fail() {
    echo "FAILED $step: $*"
    systemctl --no-pager --full status 'indelible-*' | tail -n 60
    journalctl --no-pager -u 'indelible-*' | tail -n 60
    systemctl poweroff --force --force
    exit 1
}
begin() {
    step=$1
    echo "STEP $step"
    started=$SECONDS began=$(date +%s)
}
end() {
    echo "DONE $step ($((SECONDS - started)) s)"
    journalctl --no-pager -k -S "@$began" | grep 'apparmor="DENIED"' | grep -o 'apparmor=.*' \
        | sort | uniq -c | head -n 10 | sed 's/^/NOTE denied:/'
}
# Runs a command until it succeeds, for a minute.
wait_for() {
    local tries=0
    until "$@" > /tmp/waited 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || { tail -n 20 /tmp/waited; fail "waited in vain for: $*"; }
        sleep 0.5
    done
}
must() { "$@" > /tmp/must 2>&1 || { tail -n 30 /tmp/must; fail "$*"; }; }
as_collector() { runuser -u indelible-collector -- "$@"; }
stored() { as_collector indelible search --store $store "$@"; }
has() { stored -k "$1" -i | grep -qF "$2"; }
install() { must apt-get install -y --no-install-recommends --allow-downgrades "$@"; }

trial() { # key, file: makes an event with both and waits until the collector has it
    cat "$2" > /dev/null
    wait_for has "$1" "$2"
}

begin "install"
mkdir -p /srv/watched
echo salaries > /srv/watched/first
install /root/packages/1/indelible_*.deb /root/packages/1/indelible-agent_*.deb \
    /root/packages/1/indelible-collector_*.deb
[ -e /etc/indelible/agent.conf.d/10-beside-auditd.toml ] && fail "observes where there is no auditd"
must indelible config check
must man -w indelible-agent
end

begin "collector"
must systemctl enable --now indelible-collector
must systemctl is-active indelible-collector
end

begin "enrol"
as_collector indelible token create --pki /var/lib/indelible-collector/pki \
    --address 127.0.0.1:6514 > /tmp/token || fail "no token"
must indelible enroll --token /tmp/token
end

begin "agent"
cat > /etc/indelible/rules.d/50-trial.rules <<'END'
-w /srv/watched -p rwa -k package_trial
END
must systemctl enable --now indelible-agent
for unit in capture worker rules; do wait_for systemctl is-active indelible-$unit; done
for unit in capture worker collector; do
    pid=$(systemctl show -P MainPID indelible-$unit)
    echo "NOTE indelible-$unit is confined by AppArmor as: $(cat /proc/$pid/attr/current)"
done
end

begin "event at the collector"
trial package_trial /srv/watched/first
end

begin "upgrade, with no event lost"
touch /tmp/upgrading
(
    n=0
    while [ -e /tmp/upgrading ]; do
        n=$((n + 1))
        echo > /srv/watched/upgrade-$n
        sleep 0.02
    done
) &
writer=$!
capture=$(systemctl show -P MainPID indelible-capture)
install /root/packages/2/indelible_*.deb /root/packages/2/indelible-agent_*.deb \
    /root/packages/2/indelible-collector_*.deb
rm /tmp/upgrading
wait $writer
count=$(ls /srv/watched | grep -c '^upgrade-')
[ "$capture" = "$(systemctl show -P MainPID indelible-capture)" ] \
    && echo "NOTE capture went on in the same process" \
    || echo "NOTE capture was started again"
all_there() {
    [ "$(stored -k package_trial --format ndjson | grep -o 'upgrade-[0-9]*' | sort -u | wc -l)" = $count ]
}
wait_for all_there
echo "NOTE $count events were made meanwhile, and are all there"
# A host that is slow enough is silent for a while, which the log notes; nothing else may be noted.
as_collector indelible verify --store $store > /tmp/verified
[ $? -le 1 ] && ! grep '^gap' /tmp/verified | grep -qv '"reason":"silence"' \
    || fail "verify: $(cat /tmp/verified)"
as_collector indelible status --store $store > /tmp/account
grep -q ' 0 missing' /tmp/account && ! grep ' missing' /tmp/account | grep -qv ' 0 missing' \
    || fail "status: $(cat /tmp/account)"
dpkg-query -W -f '${Package} ${Version}\n' 'indelible*'
end

begin "remove"
must systemctl disable --now indelible-agent
must apt-get remove -y 'indelible*'
left=$(find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /etc/indelible \
    -o -path '/var/lib/indelible*' -o -path /var/lib/dpkg -o -path /var/log -o -path /tmp \
    -o -path /run \) -prune -o -name '*indelible*' -print | grep -v '^/etc/apparmor.d/indelible$')
[ -z "$left" ] || fail "left behind: $left"
[ -d /var/lib/indelible/capture ] && [ -d $store ] || fail "evidence is gone"
pgrep -x indelible && fail "a process is left"
must apt-get purge -y 'indelible*'
rm -f /etc/indelible/rules.d/50-trial.rules
rm -rf /etc/indelible
end

begin "beside auditd"
install auditd rsyslog
cat > /etc/audit/rules.d/50-trial.rules <<'END'
-w /srv/watched -p rwa -k auditd_trial
END
echo '*.* @@127.0.0.1:10514' > /etc/rsyslog.d/50-forward.conf
must systemctl restart rsyslog
must augenrules --load
must systemctl is-active auditd
install /root/packages/1/indelible_*.deb /root/packages/1/indelible-agent_*.deb \
    /root/packages/1/indelible-collector_*.deb
[ -e /etc/indelible/agent.conf.d/10-beside-auditd.toml ] || fail "does not observe beside auditd"
must systemctl enable --now indelible-collector
must systemctl enable --now indelible-agent
must systemctl is-active auditd
trial auditd_trial /srv/watched/first
end

begin "the links"
install /root/packages/1/indelible-compat_*.deb
[ "$(readlink /sbin/ausearch)" = /usr/bin/indelible ] || fail "no link"
must /sbin/ausearch -k auditd_trial -i
must /sbin/ausearch.auditd -k auditd_trial -i
must apt-get remove -y indelible-compat
[ -L /sbin/ausearch ] && fail "the link stayed"
must /sbin/ausearch -k auditd_trial -i
end

if indelible migrate --help > /dev/null 2>&1; then
    begin "migrate from auditd"
    indelible migrate from-auditd
    must indelible migrate from-auditd --yes
    systemctl is-active --quiet auditd && fail "auditd still runs"
    must indelible config check
    for unit in capture worker rules; do wait_for systemctl is-active indelible-$unit; done
    echo > /srv/watched/migrated
    trial auditd_trial /srv/watched/migrated
    end

    begin "and back"
    must indelible migrate from-auditd --undo
    wait_for systemctl is-active auditd
    [ -e /etc/indelible/agent.conf.d/10-beside-auditd.toml ] || fail "does not observe again"
    auditctl -l | grep -q auditd_trial || fail "auditd's rules are not loaded"
    echo > /srv/watched/back
    trial auditd_trial /srv/watched/back
    end
fi

echo "ALL DONE"
systemctl poweroff --force --force
