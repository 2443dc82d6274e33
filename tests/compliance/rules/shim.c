/*
 * Stands between the real auditctl and the kernel's audit socket.
 *
 * Preloaded into auditctl, it answers every message on an AUDIT netlink socket itself: nothing
 * that auditctl sends reaches the kernel. What was sent is written down, so that the suite can
 * compare it with what Indelible would send, and the answers can be chosen, so that `auditctl -l`
 * prints any rule bytes without a rule ever being loaded.
 *
 *   SHIM_LOG     file; one line per request: decimal message type, space, payload in hex.
 *                A kill() is logged as "kill SIGNAL".
 *   SHIM_RULES   file; one rule per line in hex: the answer to AUDIT_LIST_RULES.
 *   SHIM_STATUS  hex; the answer to AUDIT_GET. Default: enabled, all features, pid 1.
 *   SHIM_ERRNO   "TYPE:ERRNO[:SKIP]"; requests of TYPE fail with ERRNO after SKIP successes.
 *
 * The descriptor that auditctl holds is one end of a local socket pair, so that its poll() and
 * select() work unchanged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AUDIT_GET 1000
#define AUDIT_LIST_RULES 1013
#define AUDIT_GET_FEATURE 1019
#define AUDIT_USER 1005
#define FD_MAX 1024
#define PAYLOAD_MAX 16384

/* far[fd] is our end of the pair whose other end is fd, plus one; zero means "not ours" */
static int far_end[FD_MAX];

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decodes hex up to the first other byte; the return value is the number of bytes. */
static size_t from_hex(const char *text, uint8_t *out, size_t out_max)
{
	size_t n = 0;

	while (n < out_max && hex_value(text[0]) >= 0 && hex_value(text[1]) >= 0) {
		out[n++] = (uint8_t)(hex_value(text[0]) << 4 | hex_value(text[1]));
		text += 2;
	}
	return n;
}

static void write_down(const char *head, const uint8_t *payload, size_t len)
{
	const char *path = getenv("SHIM_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%s ", head);
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", payload[i]);
	fputc('\n', f);
	fclose(f);
}

static void answer(int fd, uint16_t type, uint32_t seq, const void *payload, size_t len)
{
	uint8_t buf[NLMSG_HDRLEN + PAYLOAD_MAX];
	struct nlmsghdr *head = (struct nlmsghdr *)buf;

	memset(buf, 0, NLMSG_HDRLEN);
	head->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
	head->nlmsg_type = type;
	head->nlmsg_seq = seq;
	memcpy(buf + NLMSG_HDRLEN, payload, len);
	if (write(far_end[fd] - 1, buf, head->nlmsg_len) < 0)
		abort();
}

/* The error that SHIM_ERRNO asks for this request, or 0. */
static int wanted_error(uint16_t type)
{
	static int seen;
	const char *spec = getenv("SHIM_ERRNO");
	int want = 0, error = 0, skip = 0;

	if (spec == NULL || sscanf(spec, "%d:%d:%d", &want, &error, &skip) < 2 || want != type)
		return 0;
	return seen++ < skip ? 0 : error;
}

static void list_rules(int fd, uint32_t seq)
{
	const char *path = getenv("SHIM_RULES");
	FILE *f = path ? fopen(path, "r") : NULL;
	char *line = NULL;
	size_t cap = 0;
	uint8_t rule[PAYLOAD_MAX];
	uint8_t zero[4] = { 0 };

	while (f && getline(&line, &cap, f) > 0)
		answer(fd, AUDIT_LIST_RULES, seq, rule, from_hex(line, rule, sizeof(rule)));
	free(line);
	if (f)
		fclose(f);
	answer(fd, NLMSG_DONE, seq, zero, 0);
}

static void handle(int fd, const struct nlmsghdr *head)
{
	const uint8_t *payload = (const uint8_t *)head + NLMSG_HDRLEN;
	size_t len = head->nlmsg_len - NLMSG_HDRLEN;
	struct nlmsgerr ack = { 0 };
	char type[16];

	snprintf(type, sizeof(type), "%u", head->nlmsg_type);
	write_down(type, payload, len);

	ack.error = -wanted_error(head->nlmsg_type);
	ack.msg = *head;
	if (head->nlmsg_flags & NLM_F_ACK)
		answer(fd, NLMSG_ERROR, head->nlmsg_seq, &ack, sizeof(ack));
	if (ack.error)
		return;

	if (head->nlmsg_type == AUDIT_GET) {
		/* mask enabled failure pid rate backlog-limit lost backlog features wait actual */
		uint32_t status[11] = { 0, 1, 1, 1, 0, 8192, 0, 0, 0x7f, 60000, 0 };
		const char *given = getenv("SHIM_STATUS");
		size_t n = sizeof(status);

		if (given)
			n = from_hex(given, (uint8_t *)status, sizeof(status));
		answer(fd, AUDIT_GET, head->nlmsg_seq, status, n);
	} else if (head->nlmsg_type == AUDIT_GET_FEATURE) {
		/* version, mask, features, lock: feature 1 is loginuid-immutable, here off */
		uint32_t features[4] = { 1, 3, 0, 0 };

		answer(fd, AUDIT_GET_FEATURE, head->nlmsg_seq, features, sizeof(features));
	} else if (head->nlmsg_type == AUDIT_LIST_RULES) {
		list_rules(fd, head->nlmsg_seq);
	}
}

int socket(int domain, int type, int protocol)
{
	static int (*real)(int, int, int);
	int pair[2];

	if (!real)
		real = dlsym(RTLD_NEXT, "socket");
	if (domain != AF_NETLINK || protocol != NETLINK_AUDIT)
		return real(domain, type, protocol);
	/* seqpacket keeps message borders and, unlike datagrams, does not cap the queue at ten */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (pair[0] >= FD_MAX)
		abort();
	int room = 8 << 20;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	far_end[pair[0]] = pair[1] + 1;
	return pair[0];
}

int close(int fd)
{
	static int (*real)(int);

	if (!real)
		real = dlsym(RTLD_NEXT, "close");
	if (fd >= 0 && fd < FD_MAX && far_end[fd]) {
		real(far_end[fd] - 1);
		far_end[fd] = 0;
	}
	return real(fd);
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	const struct nlmsghdr *head = buf;

	if (!real)
		real = dlsym(RTLD_NEXT, "sendto");
	if (fd < 0 || fd >= FD_MAX || !far_end[fd])
		return real(fd, buf, len, flags, to, to_len);
	if (len < NLMSG_HDRLEN || head->nlmsg_len > len)
		abort();
	handle(fd, head);
	return (ssize_t)len;
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
		 socklen_t *from_len)
{
	static ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	if (!real)
		real = dlsym(RTLD_NEXT, "recvfrom");
	if (fd < 0 || fd >= FD_MAX || !far_end[fd])
		return real(fd, buf, len, flags, from, from_len);
	n = real(fd, buf, len, flags, NULL, NULL);
	if (n >= 0 && from && from_len && *from_len >= sizeof(kernel)) {
		memcpy(from, &kernel, sizeof(kernel));
		*from_len = sizeof(kernel);
	}
	return n;
}

int kill(pid_t pid, int sig)
{
	char head[32];

	(void)pid;
	snprintf(head, sizeof(head), "kill %d", sig);
	write_down(head, NULL, 0);
	return 0;
}

static void say(const char *format, va_list args)
{
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

/* auditctl -R talks to syslog: here it shall talk to stderr, where the suite reads it. */
void syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	(void)priority;
	(void)flag;
	say(format, args);
}
