#!/bin/bash
# What `cargo xtask detections benign --guest` does inside its machine, as root, with systemd as the
# first process: the everyday work of a host for as long as /root/minutes says, with the rules of
# /root/all.rules loaded for everybody. People come in over ssh and use sudo; jobs come from cron, at
# and timers. All that it counts is told at the end.
set -u
exec < /dev/null > /dev/console 2>&1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
minutes=$(cat /root/minutes)

fail() {
    echo "FAILED $*"
    journalctl --no-pager -n 60
    sync
    systemctl poweroff --force --force
    exit 1
}
must() { "$@" > /tmp/must 2>&1 || { tail -n 30 /tmp/must; fail "$*"; }; }
admin() { ssh -n -i /root/key admin@127.0.0.1 "$@" >> /var/tmp/admin.out 2>&1; }
dev() { ssh -n -i /root/key dev@127.0.0.1 "$@" >> /var/tmp/dev.out 2>&1; }
# What was done so often, by name.
declare -A counted
count() { # name, number
    counted[$1]=$((${counted[$1]:-0} + $2))
}

echo "STEP people and services"
for name in admin dev archive; do
    must useradd -m -s /bin/bash $name
    mkdir -p /home/$name/.ssh
done
must ssh-keygen -q -t ed25519 -N '' -f /root/key
for name in admin dev archive; do
    cp /root/key.pub /home/$name/.ssh/authorized_keys
    chown -R $name:$name /home/$name/.ssh
    chmod -R go= /home/$name/.ssh
done
echo 'dev:Correct-Horse-1' | chpasswd
echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin
chmod 440 /etc/sudoers.d/admin
mkdir -p /root/.ssh /etc/ssh/sshd_config.d
printf 'Host *\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n' > /root/.ssh/config
cat > /etc/cron.d/jobs <<'END'
PATH=/usr/sbin:/usr/bin:/sbin:/bin
* * * * * root find /var/tmp -mtime +7 -delete; df -h > /var/tmp/df.txt; logger -t jobs checked
* * * * * archive tar czf /home/archive/etc.tgz /etc/ssh/ssh_config /etc/logrotate.d 2> /dev/null
*/5 * * * * root /usr/bin/python3 -c 'import os, json; print(json.dumps(os.getloadavg()))' >> /var/log/load.log
*/10 * * * * root run-parts --report /etc/cron.hourly
END
cat > /etc/logrotate.d/host <<'END'
/var/log/load.log /var/log/app.log {
    rotate 3
    size 1
    compress
    missingok
    copytruncate
}
END
cp -r /root/src /home/dev/src
chown -R dev:dev /home/dev/src
must systemctl restart ssh cron
must systemctl is-active ssh cron rsyslog
admin true || fail "admin cannot log in"
dev true || fail "dev cannot log in"
echo "DONE people and services"

echo "STEP capture"
must systemd-run --unit=capture /root/indelible agent --role capture --capture kernel \
    --spool /var/spool/indelible --max-bytes 8000000000
sleep 3
must systemctl is-active capture
must /root/indelible rules load /root/all.rules
# Whoever was there before auditing was enabled is not seen. Not the journal's daemon: where its
# configuration does not ask for audit, it switches auditing off at each of its starts.
must systemctl restart ssh cron rsyslog atd
sleep 2
echo "DONE capture"

echo "STEP $minutes minutes of everyday work"
began=$(date +%s)
end=$((SECONDS + minutes * 60))
round=0
# A package from source, beside everything else: configured, built, tested and packed.
ssh -n -i /root/key dev@127.0.0.1 'cd src/hello-* && dpkg-buildpackage -us -uc -b' \
    > /var/tmp/build.out 2>&1 &
while [ $SECONDS -lt $end ]; do
    round=$((round + 1))

    # Packages: some that are new, the same back again, some once more.
    batch=$(ls /srv/repo/new/*.deb | tail -n +$((round * 4 - 3)) | head -n 4)
    [ -n "$batch" ] || batch=$(ls /srv/repo/new/*.deb | head -n 4)
    names=$(for deb in $batch; do dpkg-deb -f $deb Package; done | tr '\n' ' ')
    admin 'sudo apt-get update -q; apt list --upgradable'
    admin "sudo DEBIAN_FRONTEND=noninteractive apt-get -y install $names"
    [ $SECONDS -lt $end ] || break
    older=$(for name in $names; do ls /srv/repo/old/${name}_*.deb 2> /dev/null; done | tr '\n' ' ')
    [ -z "$older" ] || admin "sudo DEBIAN_FRONTEND=noninteractive apt-get -y --allow-downgrades install $older"
    again=$(printf '%s\n' sudo cron logrotate at openssh-server openssh-client passwd login tar gzip \
        rsyslog busybox | tail -n +$((round % 6 * 2 + 1)) | head -n 2 | tr '\n' ' ')
    admin "sudo DEBIAN_FRONTEND=noninteractive apt-get -y install --reinstall $again"
    admin 'sudo dpkg --configure -a; sudo apt-get clean; dpkg -l | wc -l; apt-cache policy sudo'
    [ $((round % 4)) != 3 ] || admin 'sudo unattended-upgrade --dry-run'
    count upgraded "$(grep -c ' upgrade ' /var/log/dpkg.log)"
    [ $SECONDS -lt $end ] || break

    # Logs.
    seq 20000 >> /var/log/app.log
    admin 'sudo logrotate -f /etc/logrotate.conf'
    must systemctl start logrotate.service
    admin 'sudo journalctl --rotate; sudo tail -n 50 /var/log/syslog | grep -c CRON; sudo zgrep -c session /var/log/auth.log*'
    count rotations 2
    [ $SECONDS -lt $end ] || break

    # A builder.
    dev 'cd src/many && make -s clean && make -s all check'
    [ $SECONDS -lt $end ] || break
    dev 'cd src/many && git init -q . ; git add -A; git -c user.name=d -c user.email=d@h commit -qm round; git log --oneline | head -n 3; git gc -q'
    dev 'cd src/many && strace -f -o /tmp/dev.trace ./prog; gdb -batch -ex "break main" -ex run -ex bt ./prog; rm -f /tmp/dev.trace'
    dev 'python3 -m venv --without-pip venv && venv/bin/python -c "import ssl, ctypes; print(ctypes.CDLL(None).getpid())"; rm -rf venv'
    admin 'cd /home/dev/src/many && sudo make -s install && sudo ldconfig && /usr/local/bin/many'
    count builds 1
    [ $SECONDS -lt $end ] || break

    # An administrator.
    admin 'sudo -l; sudo -u dev id; sudo systemctl daemon-reload; sudo systemctl restart cron; systemctl status ssh --no-pager; sudo ss -tlnp; ps axf'
    admin 'sudo useradd -m visitor; echo visitor:Some-Pw-123 | sudo chpasswd; sudo chage -l visitor; sudo usermod -aG users visitor; sudo -u visitor id; sudo userdel -r visitor'
    admin 'sudo visudo -c; sudo sshd -t; sudo systemctl reload ssh; sudo cp -a /etc /root/etc.bak; sudo rm -rf /root/etc.bak; last; lastlog'
    admin 'sudo sysctl -w vm.swappiness=40; sudo lsmod; sudo dmesg > /dev/null'
    [ $SECONDS -lt $end ] || break
    # As in scripts of backups.
    rsync -a -e 'ssh -i /root/key' --rsync-path='rsync' /etc/logrotate.d archive@127.0.0.1:copy
    scp -q -i /root/key /etc/hosts archive@127.0.0.1:hosts
    printf 'ls\nget hosts /tmp/hosts\n' | sftp -q -i /root/key -b - archive@127.0.0.1 > /dev/null
    sshpass -p wrong ssh -o PubkeyAuthentication=no dev@127.0.0.1 true
    sshpass -p Correct-Horse-1 ssh -o PubkeyAuthentication=no dev@127.0.0.1 true
    dev '(crontab -l 2> /dev/null | grep -v stamp; echo "* * * * * date > stamp") | crontab -; echo "date > at-stamp" | at now'
    # A script as installers bring them, and a socket between programs of one host.
    printf '#!/bin/sh\necho installed > /opt/tool.txt\n' > /tmp/setup.sh
    admin 'sudo sh /tmp/setup.sh'
    python3 -c '
import socket, subprocess
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); c.sendall(b"x")
subprocess.run(["/bin/sh", "-c", "true"])'
    must systemctl start systemd-tmpfiles-clean.service
    count rounds 1
done
seconds=$(($(date +%s) - began))
echo "DONE $minutes minutes of everyday work"

echo "STEP end"
echo "NOTE $seconds s, ${counted[rounds]:-0} whole rounds"
echo "NOTE ${counted[upgraded]:-0} packages upgraded or replaced"
echo "NOTE ${counted[rotations]:-0} runs of logrotate, ${counted[builds]:-0} builds of many files"
echo "NOTE package from source: $(tail -n 1 /var/tmp/build.out)"
echo "NOTE $(journalctl --no-pager -S @$began | grep -c 'CMD (') jobs of cron, $(journalctl --no-pager -u ssh -S @$began | grep -c 'Accepted ') logins over ssh, $(journalctl --no-pager -S @$began | grep -c 'sudo.*COMMAND=') commands by sudo"
tail -n 5 /var/tmp/admin.out /var/tmp/dev.out
[ "$(/root/indelible rules list | grep -c execve)" != 0 ] || fail "no rules are loaded any more"
# Before the rules are removed with the machine: that would be told as tampering.
must systemctl stop capture
journalctl --no-pager -o short-iso -S @$began -u ssh > /var/spool/indelible/ssh.log
cp /var/tmp/*.out /var/spool/indelible
sync
echo "ALL DONE"
systemctl poweroff --force --force
