# Everyday work of an administrator and a builder, for `cargo xtask detections benign`.
export DEBIAN_FRONTEND=noninteractive
for round in 1 2 3; do
  apt-get install -y --reinstall --no-install-recommends sudo logrotate cron at busybox libpopt0 tar gzip sed passwd login openssh-client openssh-server netcat-traditional
  dpkg -i /mnt/debs/*.deb
done
for name in auth.log syslog kern.log app.log mail.log; do seq 20000 > /var/log/$name; done
printf '/var/log/auth.log /var/log/syslog /var/log/kern.log {\n rotate 4\n compress\n delaycompress\n size 1\n missingok\n sharedscripts\n postrotate\n  true\n endscript\n}\n/var/log/app.log /var/log/mail.log {\n rotate 3\n copytruncate\n compress\n size 1\n}\n' > /etc/logrotate.d/all
for round in 1 2 3 4 5 6 7 8; do
  for name in auth.log syslog kern.log app.log mail.log; do seq 2000 >> /var/log/$name; done
  logrotate -f /etc/logrotate.conf
done
mkdir -p /home/builder/src && cd /home/builder/src
for number in $(seq 40); do
  printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int x){return x*%d+printf("");}\n' $number $number > f$number.c
done
printf 'int f1(int);int main(void){return f1(0)!=0;}\n' > main.c
printf 'OBJ=$(patsubst %%.c,%%.o,$(wildcard *.c))\nall: prog\nprog: $(OBJ)\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O2 -c -o $@ $<\ncheck: prog\n\t./prog\n\tcp prog /tmp/conftest && /tmp/conftest\nclean:\n\trm -f *.o prog\n' > Makefile
for round in 1 2 3 4; do make -s clean; make -s -j2 all check; done
useradd -m visitor; echo visitor:Some-Pw-123 | chpasswd; chage -l visitor; usermod -aG users visitor; su -c 'id; ls' visitor; userdel -r visitor
echo '0 5 * * * true' | crontab -; crontab -l; crontab -r
echo true | at now + 1 day; atrm $(atq | cut -f1)
tar cf /root/etc.tar /etc/ssh /etc/logrotate.d; tail -n 20 /var/log/dpkg.log; grep -c install /var/log/dpkg.log
sudo -n true; visudo -c; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_new || true
