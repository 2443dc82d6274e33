/* Makes the syscalls of which record.sh records the audit trail: each with arguments that a table of
 * src/interpret names. Most are meant to succeed below /srv/exercise/work, some are meant to fail.
 * What may end the process runs in a child. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fanotify.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static long syscall_i386(long n, long a, long b, long c, long d) {
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return r;
}

static void in_child(void (*f)(void)) {
    pid_t p = fork();
    if (!p) {
        f();
        _exit(0);
    }
    waitpid(p, 0, 0);
}

static void crash(void) {
    struct rlimit z = {0, 0};
    setrlimit(RLIMIT_CORE, &z);
    *(volatile int*)0 = 1;
}

static void with_seccomp(unsigned act) {
    struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
                              BPF_STMT(BPF_RET | BPF_K, act),
                              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog p = {4, f};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &p);
    syscall(SYS_getpgid, 0);
}

static void seccomp_log(void) {
    with_seccomp(SECCOMP_RET_LOG);
}

static void seccomp_kill_process(void) {
    with_seccomp(SECCOMP_RET_KILL_PROCESS);
}

static void seccomp_errno(void) {
    with_seccomp(SECCOMP_RET_ERRNO | 1);
}

static void seccomp_trap(void) {
    with_seccomp(SECCOMP_RET_TRAP);
}

static void seccomp_kill_thread(void) {
    with_seccomp(SECCOMP_RET_KILL_THREAD);
}

static void under_landlock(void) {
    struct landlock_ruleset_attr a = {.handled_access_fs = 0x1fff};
    int r = syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_landlock_restrict_self, r, 0);
    open("/srv/exercise/work/plain", O_RDONLY);
    mkdir("/srv/exercise/work/lldir", 0700);
}

static void execute_long(void) {
    char* big = malloc(20001);
    memset(big, 'A', 20000);
    big[20000] = 0;
    char* av[] = {"/bin/true", "a b", "--x=\"q\"", big, "tail\xff", 0};
    char* ev[] = {0};
    execve("/bin/true", av, ev);
}

static void execute_at(void) {
    char* av[] = {"true", "1", 0};
    execveat(AT_FDCWD, "/bin/true", av, environ, 0);
}

static void in_namespaces(void) {
    unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC);
    mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
    mkdir("/srv/exercise/work/mnt", 0755);
    mount("tmpfs", "/srv/exercise/work/mnt", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m");
    mount("/srv/exercise/work/mnt", "/srv/exercise/work/mnt", 0, MS_BIND | MS_REMOUNT | MS_RDONLY,
          0);
    umount2("/srv/exercise/work/mnt", MNT_DETACH);
    umount2("/srv/exercise/work/mnt", MNT_FORCE | UMOUNT_NOFOLLOW);
    int s = socket(AF_PACKET, SOCK_RAW, htons(3));
    struct sockaddr_ll l = {.sll_family = AF_PACKET,
                            .sll_protocol = htons(0x800),
                            .sll_ifindex = 1,
                            .sll_halen = 6,
                            .sll_addr = {2, 1, 2, 3, 4, 5}};
    bind(s, (void*)&l, sizeof l);
    struct packet_mreq m = {1, PACKET_MR_PROMISC, 0, {0}};
    setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m);
    close(s);
    sethostname("h1", 2);
}

static void submit_uring(void) {
    struct io_uring_params p = {0};
    int fd = syscall(SYS_io_uring_setup, 4, &p);
    if (fd < 0)
        return;
    char* sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    struct io_uring_sqe* e = mmap(0, p.sq_entries * sizeof *e, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    unsigned *tail = (unsigned*)(sq + p.sq_off.tail), *arr = (unsigned*)(sq + p.sq_off.array);
    memset(e, 0, 4 * sizeof *e);
    e[0].opcode = IORING_OP_OPENAT;
    e[0].fd = AT_FDCWD;
    e[0].addr = (unsigned long)"/srv/exercise/work/plain";
    e[0].open_flags = O_RDONLY;
    e[1].opcode = IORING_OP_UNLINKAT;
    e[1].fd = AT_FDCWD;
    e[1].addr = (unsigned long)"/srv/exercise/work/nonesuch";
    e[2].opcode = IORING_OP_MKDIRAT;
    e[2].fd = AT_FDCWD;
    e[2].addr = (unsigned long)"/srv/exercise/work/udir";
    e[2].len = 0700;
    for (int i = 0; i < 3; i++) arr[i] = i;
    __atomic_store_n(tail, 3, __ATOMIC_RELEASE);
    syscall(SYS_io_uring_enter, fd, 3, 3, IORING_ENTER_GETEVENTS, 0, 0);
}

static void answer_fanotify(void) {
    int f = fanotify_init(FAN_CLASS_CONTENT | 0x40 /*FAN_ENABLE_AUDIT*/, O_RDONLY);
    if (f < 0)
        return;
    fanotify_mark(f, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "/srv/exercise/work/fan");
    pid_t p = fork();
    if (!p) {
        open("/srv/exercise/work/fan", O_RDONLY);
        _exit(0);
    }
    struct fanotify_event_metadata m;
    if (read(f, &m, sizeof m) > 0) {
        struct fanotify_response r = {m.fd, FAN_DENY | FAN_AUDIT};
        write(f, &r, sizeof r);
    }
    waitpid(p, 0, 0);
}

static void change_ids(void) {
    setfsuid(33);
    setfsgid(33);
    setregid(33, 33);
    setresgid(33, 33, 33);
    setgid(33);
    setreuid(33, 33);
    setresuid(33, 33, -1);
    setuid(0);
    open("/etc/shadow", O_RDONLY);
    chown("/srv/exercise/work/plain", 0, 0);
}

static void log_in(void) {
    int f = open("/proc/self/loginuid", O_WRONLY);
    write(f, "33", 2);
    close(f);
}

static void change_capabilities(void) {
    struct __user_cap_header_struct {
        unsigned v;
        int p;
    } h = {0x20080522, 0};
    struct {
        unsigned e, p, i;
    } d[2] = {{0xffffffff, 0xffffffff, 0}, {0x1f, 0x1f, 0}};
    syscall(SYS_capset, &h, d);
    prctl(PR_CAPBSET_READ, 21, 0, 0, 0);
    prctl(PR_SET_NAME, "new name", 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    prctl(PR_CAPBSET_DROP, 39, 0, 0, 0);
    prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    prctl(0x59616d61, 1, 0, 0, 0);
}

static void run_setuid(void) {
    setresuid(33, 33, 33);
    char* av[] = {"suidtrue", 0};
    execve("/srv/exercise/work/suidtrue", av, environ);
}

static void tracee(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
}

/* Files, memory, sockets, queues, signals, limits, modules, the i386 entry; then the children. */
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, 0, _IONBF, 0);
    chdir("/srv/exercise/work");
    umask(022);
    int fd = open("plain", O_RDWR | O_CREAT | O_TRUNC, 0644);
    close(fd);
    fd = openat(AT_FDCWD, "with blank", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    close(fd);
    fd = open("gr\xc3\xbc\xc3\x9f\x65", O_RDONLY | O_CREAT | O_EXCL | O_NONBLOCK | O_SYNC, 04755);
    fd = open("bad\xff\"quote", O_CREAT | O_RDWR, 0666);
    open("ctl\n\t\x01", O_CREAT | O_WRONLY, 0400);
    creat("created", 0640);
    open(".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME);
    open(".", O_PATH);
    open("/tmp", O_TMPFILE | O_RDWR, 0600);
    open("plain", O_DIRECT);
    open("plain", O_ASYNC | O_NOCTTY | O_DSYNC);
    open("/nonexistent/x", O_RDONLY);
    struct open_how how = {.flags = O_RDWR | O_CREAT,
                           .mode = 0600,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    syscall(SYS_openat2, AT_FDCWD, "how", &how, sizeof how);
    access("plain", R_OK | W_OK);
    access("plain", F_OK);
    faccessat(AT_FDCWD, "plain", X_OK, 0);
    syscall(439, AT_FDCWD, "plain", R_OK, AT_EACCESS);
    mkdir("d", 0755);
    mkdirat(AT_FDCWD, "d2", 01777);
    mknod("fifo", S_IFIFO | 0600, 0);
    mknodat(AT_FDCWD, "sock", S_IFSOCK | 0644, 0);
    mknod("chr", S_IFCHR | 0666, 0x103);
    mknod("blk", S_IFBLK | 0660, 0x700);
    symlink("plain", "sl");
    symlinkat("plain", AT_FDCWD, "sl2");
    link("plain", "hl");
    linkat(AT_FDCWD, "plain", AT_FDCWD, "hl2", 0);
    rename("hl", "hl3");
    renameat(AT_FDCWD, "hl3", AT_FDCWD, "hl4");
    syscall(SYS_renameat2, AT_FDCWD, "hl4", AT_FDCWD, "hl2", 1);
    readlink("sl", (char[9]){0}, 8);
    chmod("plain", 04755);
    fchmodat(AT_FDCWD, "plain", 0600, 0);
    fchmod(fd, 0640);
    syscall(452, AT_FDCWD, "plain", 0644, 0);
    chown("plain", 33, 33);
    lchown("sl", -1, 33);
    fchownat(AT_FDCWD, "plain", 0, 0, 0);
    fchown(fd, 33, -1);
    truncate("plain", 10);
    utimensat(AT_FDCWD, "plain", 0, 0);
    setxattr("plain", "user.x", "v", 1, 0);
    removexattr("plain", "user.x");
    stat("plain", &(struct stat){0});
    lstat("sl", &(struct stat){0});
    fstatat(AT_FDCWD, "chr", &(struct stat){0}, 0);
    open("chr", O_RDONLY);
    open("fifo", O_RDWR | O_NONBLOCK);
    stat("blk", &(struct stat){0});
    stat("sock", &(struct stat){0});
    open("sl", O_NOFOLLOW);
    unlink("sl");
    unlinkat(AT_FDCWD, "sl2", 0);
    rmdir("d");
    unlinkat(AT_FDCWD, "d2", AT_REMOVEDIR);
    lseek(fd, 0, SEEK_END);
    lseek(fd, 0, SEEK_SET);
    lseek(fd, 0, 99);
    fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_DUPFD, 10);
    fcntl(fd, F_ADD_SEALS, 1);
    ioctl(0, TCGETS, 0);
    ioctl(0, TIOCGWINSZ, 0);
    ioctl(fd, FIONREAD, &(int){0});
    ioctl(0, 0x5412, "x");
    mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* m = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    mprotect(m, 4096, PROT_READ | PROT_EXEC);
    mmap(0, 1 << 21, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_HUGETLB, -1, 0);
    munmap(m, 4096);
    int pp[2];
    pipe(pp);
    pipe2(pp, O_CLOEXEC);
    dup2(pp[0], 20);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pp);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, 4);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &(int){1}, 4);
    setsockopt(s, IPPROTO_IP, IP_TTL, &(int){9}, 4);
    getsockopt(s, SOL_SOCKET, SO_ERROR, &(int){0}, &(socklen_t){4});
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(0), .sin_addr.s_addr = htonl(0x7f000001)};
    bind(s, (void*)&a, sizeof a);
    listen(s, 5);
    a.sin_port = htons(1);
    connect(s, (void*)&a, sizeof a);
    sendto(s, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, (void*)&a, sizeof a);
    int s6 = socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
    struct sockaddr_in6 a6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    connect(s6, (void*)&a6, sizeof a6);
    setsockopt(s6, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, 4);
    setsockopt(s6, 17, 1, &(int){1}, 4);
    int u = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    struct sockaddr_un su = {.sun_family = AF_UNIX};
    strcpy(su.sun_path, "/srv/exercise/work/u.sock");
    bind(u, (void*)&su, sizeof su);
    u = socket(AF_UNIX, SOCK_STREAM, 0);
    su.sun_path[0] = 0;
    strcpy(su.sun_path + 1, "abstract");
    bind(u, (void*)&su, 2 + 9);
    connect(u, (void*)&su, 2 + 9);
    bind(u, (void*)&su, 2);
    int n = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = 77};
    bind(n, (void*)&nl, sizeof nl);
    int v = socket(AF_VSOCK, SOCK_STREAM, 0);
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 1234};
    connect(v, (void*)&vm, sizeof vm);
    connect(s, (void*)&vm, sizeof vm);
    socket(AF_ALG, SOCK_SEQPACKET, 0);
    socket(AF_BLUETOOTH, SOCK_RAW, 1);
    socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    struct {
        unsigned short f;
        char d[14];
    } odd = {99, "x"};
    connect(s, (void*)&odd, 16);
    odd.f = 31;
    connect(s, (void*)&odd, 16);
    odd.f = 2;
    connect(s, (void*)&odd, 4);
    odd.f = 10;
    connect(s, (void*)&odd, 4);
    sendmsg(s, &(struct msghdr){0}, MSG_OOB);
    recvfrom(s, pp, 1, MSG_DONTWAIT | MSG_PEEK, 0, 0);
    int e = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(e, EPOLL_CTL_ADD, s, &(struct epoll_event){0});
    epoll_ctl(e, EPOLL_CTL_DEL, s, 0);
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    shmat(id, 0, 0);
    struct shmid_ds sd;
    shmctl(id, IPC_STAT, &sd);
    sd.shm_perm.mode = 0640;
    shmctl(id, IPC_SET, &sd);
    shmctl(id, IPC_RMID, 0);
    int q = msgget(IPC_PRIVATE, IPC_CREAT | 0666);
    msgsnd(q, &(struct {
               long t;
               char x[4];
           }){1, "x"},
           4, IPC_NOWAIT);
    msgctl(q, IPC_RMID, 0);
    int sm = semget(IPC_PRIVATE, 1, 0600);
    semctl(sm, 0, IPC_RMID);
    mqd_t mq = mq_open("/exercise", O_CREAT | O_RDWR | O_NONBLOCK, 0600, 0);
    mq_send(mq, "x", 1, 3);
    struct mq_attr at;
    mq_getattr(mq, &at);
    mq_receive(mq, (char[9000]){0}, 9000, 0);
    mq_notify(mq, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1});
    mq_unlink("/exercise");
    signal(SIGUSR1, SIG_IGN);
    kill(getpid(), SIGUSR1);
    kill(0x7ffffff, SIGTERM);
    kill(getpid(), 0);
    syscall(SYS_tgkill, getpid(), getpid(), SIGWINCH);
    syscall(SYS_tkill, getpid(), SIGURG);
    kill(0x7ffffff, 64);
    personality(0xffffffff);
    personality(ADDR_NO_RANDOMIZE);
    personality(PER_LINUX);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    syscall(SYS_setrlimit, RLIMIT_CORE, &rl);
    syscall(SYS_getrlimit, RLIMIT_STACK, &rl);
    prlimit(0, RLIMIT_AS, 0, &rl);
    setpriority(PRIO_PROCESS, 0, 1);
    sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){0});
    sched_setscheduler(0, 77, &(struct sched_param){0});
    clock_settime(CLOCK_MONOTONIC, &(struct timespec){0});
    union bpf_attr b = {0};
    syscall(SYS_bpf, BPF_MAP_CREATE, &b, sizeof b);
    struct bpf_insn ins[] = {{0xb7, 0, 0, 0, 0}, {0x95, 0, 0, 0, 0}};
    union bpf_attr pb = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                         .insns = (unsigned long)ins,
                         .insn_cnt = 2,
                         .license = (unsigned long)"GPL"};
    close(syscall(SYS_bpf, BPF_PROG_LOAD, &pb, sizeof pb));
    syscall(SYS_bpf, 99, &b, sizeof b);
    syscall(SYS_init_module, "x", 1, "");
    syscall(SYS_delete_module, "no_such_module", 0);
    ptrace(PTRACE_ATTACH, 1234567, 0, 0);
    syscall(SYS_setns, fd, CLONE_NEWNET);
    name_to_handle_at(AT_FDCWD, "plain", 0, 0, 0);
    syscall(SYS_open_by_handle_at, AT_FDCWD, 0, O_RDONLY);
    syscall_i386(5, (long)(unsigned long)0, 0, 0, 0);
    syscall_i386(20, 0, 0, 0, 0);
    syscall_i386(102, 1, 0, 0, 0);
    syscall_i386(102, 3, 0, 0, 0);
    syscall_i386(117, 21, 0, 0, 0);
    syscall_i386(37, 1, 0, 0, 0);
    syscall_i386(15, 0, 0755, 0, 0);
    syscall_i386(91, 0, 0, 0, 0);
    syscall_i386(999, 1, 2, 3, 4);
    syscall(999);
    syscall(0x40000000 | 39);
    in_child(crash);
    in_child(seccomp_log);
    in_child(seccomp_kill_process);
    in_child(seccomp_errno);
    in_child(seccomp_trap);
    in_child(seccomp_kill_thread);
    in_child(under_landlock);
    in_child(execute_long);
    in_child(execute_at);
    in_child(in_namespaces);
    in_child(submit_uring);
    in_child(answer_fanotify);
    in_child(change_ids);
    in_child(log_in);
    in_child(change_capabilities);
    in_child(run_setuid);
    in_child(tracee);
    return 0;
}
