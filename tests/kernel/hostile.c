/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile.c - system calls with everything that a program can do wrong on
 * purpose: memory that is not there, names that are too long, too deep or no text,
 * numbers at their ends, arguments without end.
 *
 *   hostile FOLDER DEPTH   works in FOLDER, which is empty; DEPTH: of folders
 *   hostile exec ...       what it starts itself as
 *
 * Prints a line for each call, with tabs: what the call asks for in hexadecimal
 * ("-": memory that cannot be read, "?": not looked at), its path the same way
 * ("-": none; "~" in front: its beginning is too much to record), call, size and
 * offset ("-": not looked at), result.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PATH 8192

/* In place of a text. */
static const char NONE[] = "-", ANY[] = "?";

static char folder[MAX_PATH];
static FILE *out;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* Writes to a buffer of MAX_PATH bytes, from ${at} on; returns the end. */
__attribute__((format(printf, 3, 4))) static size_t
put_path(char *path, size_t at, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(path + at, MAX_PATH - at, format, args);
	va_end(args);
	must(n >= 0 && at + (size_t)n < MAX_PATH, "too long");
	return at + (size_t)n;
}

static void put_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", (unsigned char)text[i]);
	putc('\t', out);
}

static void put_text(const char *text)
{
	if (text == NONE || text == ANY)
		fprintf(out, "%s\t", text);
	else
		put_hex(text, strlen(text));
}

/* ~/a/b: its beginning is too much to record. */
static void put_place(const char *path)
{
	if (*path == '~')
		putc(*path++, out);
	put_text(path);
}

static void put_end(const char *call, const char *size, const char *offset,
		    long ret)
{
	fprintf(out, "%s\t%s\t%s\t%ld\n", call, size, offset,
		ret < 0 ? -errno : ret);
}

/* A call that was given ${asked}, about ${path}. */
static long name_call(const char *call, const char *asked, const char *path,
		      long ret)
{
	int error = errno;

	put_text(asked);
	put_place(path);
	errno = error;
	put_end(call, "-", "-", ret);
	return ret;
}

/* A call about numbers. */
static long number_call(const char *call, const char *size, const char *offset,
			long ret)
{
	int error = errno;

	fputs("?\t?\t", out);
	errno = error;
	put_end(call, size, offset, ret);
	return ret;
}

/* A page, and behind it one that is not mapped. */
static char *edge(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED && !munmap(p + 4096, 4096), "edge");
	return p + 4096;
}

/* ---- memory that is not there ------------------------------------------- */
static void pointers(void)
{
	static const uintptr_t bad[] = { 0,
					 8,
					 0xffffffff81000000,
					 0xffff888000000000,
					 0x8000000000000000,
					 0x00007ffffffff000,
					 ~0ULL };
	struct stat st;
	char *end = edge();

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		name_call("stat", NONE, NONE, syscall(SYS_stat, bad[i], &st));
		name_call("open", NONE, NONE, syscall(SYS_open, bad[i], 0, 0));
		name_call("rename", NONE, NONE,
			  syscall(SYS_rename, bad[i], bad[i]));
	}
	memcpy(end - 4, "none", 4); /* its end is not there */
	name_call("stat", NONE, NONE, syscall(SYS_stat, end - 4, &st));
	memcpy(end - 5, "none", 5); /* it just is */
	name_call("stat", "none", ANY, syscall(SYS_stat, end - 5, &st));
}

/* A string in a page that only the call itself brings in. */
static void not_in_yet(void)
{
	int fd = open("page", O_RDWR | O_CREAT, 0600);
	struct stat st;
	char *p;

	must(fd >= 0 && pwrite(fd, "in a page", 10, 0) == 10, "page");
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED, "mmap");
	name_call("stat", "in a page", ANY, syscall(SYS_stat, p, &st));
	close(fd);
}

/* ---- long --------------------------------------------------------------- */
/* A string of just ${len} bytes that names "x" in this folder: ./././x */
static char *long_path(size_t len)
{
	char *text = malloc(len + 2), *at = text;

	must(text != NULL, "malloc");
	if (len % 2 == 0)
		*at++ = '.';
	for (; at < text + len - 1; at++)
		*at = at > text && at[-1] == '.' ? '/' : '.';
	text[len - 1] = 'x';
	text[len] = 0;
	return text;
}

static void long_names(void)
{
	static const size_t lengths[] = { 4093, 4095, 4097, 5001, 1 << 20 };
	char name[258], path[MAX_PATH], *text;
	struct stat st;

	close(open("x", O_RDWR | O_CREAT, 0600));
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		text = long_path(lengths[i] | 1);
		name_call("stat", text, ANY, syscall(SYS_stat, text, &st));
		name_call("link", text, ANY, syscall(SYS_link, text, text));
		free(text);
	}
	memset(name, 'n', 256);
	name[256] = 0;
	name_call("mkdir", name, ANY, syscall(SYS_mkdir, name, 0700));
	name[255] = 0;
	name_call("mkdir", name, ANY, syscall(SYS_mkdir, name, 0700));
	put_path(path, 0, "%s/%s/%s", folder, name, name);
	name_call("open", path, path,
		  syscall(SYS_open, path, O_RDWR | O_CREAT, 0600));
}

/* ---- deep --------------------------------------------------------------- */
/* ${n} folders below each other, and a file in the last one; ${cut}: that is
 * more than is walked. */
static void deep(const char *name, int n, int cut)
{
	char path[MAX_PATH];
	size_t len = put_path(path, 0, "~%s", folder);
	const char *whole = path + !cut;
	int fd;

	for (int i = 0; i < n; i++) {
		len = put_path(path, len, "/%s%d", name, i);
		must(!mkdir(strrchr(path, '/') + 1, 0700) &&
			     !chdir(strrchr(path, '/') + 1),
		     "deep");
	}
	put_path(path, len, "/bottom");
	fd = (int)name_call("open", "bottom", whole,
			    syscall(SYS_open, "bottom", O_RDWR | O_CREAT,
				    0600));
	put_text(ANY);
	put_place(whole);
	put_end("write", "4", "0", syscall(SYS_write, fd, "data", 4));
	close(fd);
	must(!chdir(folder), folder);
}

/* ${n} mounts on one place; then they are detached while they are in use:
 * nobody can say any more where they were. */
static void stack(const char *name, int n, int cut)
{
	char path[MAX_PATH];
	int dir;

	must(!mkdir(name, 0700), name);
	for (int i = 0; i < n; i++)
		must(!mount("none", name, "tmpfs", 0, "size=64k"), name);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	put_path(path, 0, "~%s/%s/top", folder, name);
	close((int)name_call("openat", "top", path + !cut,
			     syscall(SYS_openat, dir, "top", O_RDWR | O_CREAT,
				     0600)));
	for (int i = 0; i < n; i++)
		must(!umount2(name, MNT_DETACH), "umount");
	put_path(path, 0, "~%s/%s/after", folder, name);
	close((int)name_call("openat", "after", path,
			     syscall(SYS_openat, dir, "after", O_RDWR | O_CREAT,
				     0600)));
	close(dir);
}

/* A folder mounted below itself. */
static void loop(void)
{
	char path[MAX_PATH];

	must(!mkdir("m", 0700) && !mkdir("m/loop", 0700), "m");
	for (int i = 0; i < 3; i++)
		must(!mount(folder, "m/loop", NULL, MS_BIND | MS_REC, NULL),
		     "bind");
	put_path(path, 0, "%s/m/loop/m/loop/x", folder);
	close((int)name_call("open", "m/loop/m/loop/x", path,
			     syscall(SYS_open, "m/loop/m/loop/x",
				     O_RDWR | O_CREAT, 0600)));
	must(!umount2("m/loop", MNT_DETACH), "m/loop");
}

/* A folder gets another name while its files are in use. */
static void renamed(void)
{
	const struct timespec wait = { 0, 150000000 };
	char path[MAX_PATH];
	int fd;

	must(!mkdir("old", 0700) && !mkdir("old/sub", 0700), "old");
	fd = open("old/sub/file", O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && write(fd, "x", 1) == 1, "old/sub/file");
	must(!rename("old", "new"), "rename");
	/* names below it are written again, ten times a second at most */
	nanosleep(&wait, NULL);
	access("new", F_OK);
	put_path(path, 0, "%s/new/sub/file", folder);
	put_text(ANY);
	put_text(path);
	put_end("write", "2", "1", syscall(SYS_write, fd, "yz", 2));
	close(fd);
}

/* ---- names that are no text --------------------------------------------- */
static const char *const odd_names[] = {
	"-",
	"?",
	"new\nline",
	"\r",
	"tab\t",
	"quote\"s\"",
	"'",
	"comma,",
	",,\"\n\",",
	"back\\slash",
	"\\x41",
	"\\\\",
	" blank ",
	"  ",
	"a -> b",
	"->",
	" -> ",
	"=1+1",
	"@sum",
	"-rf",
	"\x1b[2J\x1b]0;title\a",
	"\x01\x02\x1f\x7f",
	"\x80",
	"\xff\xfe",
	"caf\xc3\xa9",
	"caf\xe9",
	"\xc0\xaf",
	"\xed\xa0\x80",
	"\xf4\x90\x80\x80",
	"\xe2\x82",
	"\xe2\x82\xac",
	"\xe2\x80\xae"
	"txt",
	"\xef\xbf\xbe",
	"\xc2\x85",
	"\xf0\x9f\x92\xa9",
	"%s%n",
	"a;b|c&d",
	"...",
	"....",
	"{\"a\": [1]}",
	"<b>",
	"NULL",
	"null",
	"#1",
	"F",
	"\"",
	"\"\"",
};
#define ODD (sizeof(odd_names) / sizeof(odd_names[0]))

static void odd_name(const char *name)
{
	char path[MAX_PATH], other[MAX_PATH];
	int fd;

	put_path(path, 0, "%s/odd/%s", folder, name);
	put_path(other, 0, "%s#", name);
	fd = (int)name_call("open", name, path,
			    syscall(SYS_open, name, O_RDWR | O_CREAT, 0600));
	put_text(ANY);
	put_text(path);
	put_end("write", "1", "0", syscall(SYS_write, fd, "1", 1));
	close(fd);
	name_call("rename", name, path, syscall(SYS_rename, name, other));
	name_call("symlink", name, name, syscall(SYS_symlink, name, "link"));
	must(!unlink("link"), "link");
	name_call("unlink", name, path, syscall(SYS_unlink, name));
	name_call("unlink", other, ANY, syscall(SYS_unlink, other));
}

static void odd(void)
{
	char name[256];
	struct stat st;

	must(!mkdir("odd", 0700) && !chdir("odd"), "odd");
	for (unsigned i = 0; i < ODD; i++)
		odd_name(odd_names[i]);
	for (int c = 1; c < 256; c++) { /* each byte */
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		name[1] = 0;
		name_call("stat", name, ANY, syscall(SYS_stat, name, &st));
	}
	memset(name, 0xff, 253);
	name[253] = 0;
	odd_name(name);
	name_call("stat", "", ANY, syscall(SYS_stat, "", &st));
	name_call("symlink", "", ANY, syscall(SYS_symlink, "", "e"));
	must(!chdir(".."), "..");
}

/* ---- numbers ------------------------------------------------------------ */
#define HUGE_SIZE "18446744073709551615"

static void vectors(int fd)
{
	static struct iovec many[1025];
	struct iovec *end = (void *)edge();
	char buf[8] = "";

	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){ buf, i % 8 };
	number_call("writev", "3584", "-", syscall(SYS_writev, fd, many, 1024));
	number_call("writev", "224", "-", syscall(SYS_writev, fd, many, 64));
	number_call("writev", "224", "-", syscall(SYS_writev, fd, many, 65));
	number_call("writev", "", "-", syscall(SYS_writev, fd, many, 1025));
	number_call("writev", "", "-", syscall(SYS_writev, fd, many, -1L));
	number_call("readv", "", "-", syscall(SYS_readv, fd, 8, 2));
	number_call("readv", "", "-",
		    syscall(SYS_readv, fd, 0xffffffff81000000, 2));
	end[-1] = (struct iovec){ buf, 5 };
	number_call("writev", "5", "-", syscall(SYS_writev, fd, end - 1, 1));
	number_call("writev", "", "-", syscall(SYS_writev, fd, end - 1, 2));
	number_call("writev", "0", "-", syscall(SYS_writev, fd, 8, 0));
	many[0].iov_len = many[1].iov_len = many[2].iov_len = SSIZE_MAX;
	number_call("pwritev", "18446744073709551614", "9",
		    syscall(SYS_pwritev, fd, many, 2, 9, 0));
	number_call("pwritev", "", "9",
		    syscall(SYS_pwritev, fd, many, 3, 9, 0));
}

static void numbers(void)
{
	int fd = open("numbers", O_RDWR | O_CREAT, 0600);
	char buf[8] = "";

	number_call("read", HUGE_SIZE, "-", syscall(SYS_read, fd, buf, -1L));
	number_call("read", "4294967295", "-",
		    syscall(SYS_read, -7, buf, 0xffffffffUL));
	number_call("write", HUGE_SIZE, "-", syscall(SYS_write, fd, 8, -1L));
	number_call("pread64", HUGE_SIZE, "-9223372036854775808",
		    syscall(SYS_pread64, fd, buf, -1L, LONG_MIN));
	number_call("pwrite64", "1", "9223372036854775807",
		    syscall(SYS_pwrite64, fd, buf, 1, LONG_MAX));
	number_call("pread64", "1", "-1",
		    syscall(SYS_pread64, -1, buf, 1, -1L));
	number_call("lseek", "-", "-9223372036854775808",
		    syscall(SYS_lseek, INT_MIN, LONG_MIN, SEEK_END));
	number_call("lseek", "-", "-1",
		    syscall(SYS_lseek, INT_MAX, -1L, 1 << 30));
	number_call("fallocate", "-", "-9223372036854775808",
		    syscall(SYS_fallocate, fd, -1, LONG_MIN, LONG_MIN));
	number_call("mmap", HUGE_SIZE, "-",
		    syscall(SYS_mmap, -1L, -1L, -1L, -1L, -1, -1L));
	number_call("sendfile", HUGE_SIZE, "-",
		    syscall(SYS_sendfile, INT_MIN, INT_MIN, 8, -1L));
	number_call("madvise", HUGE_SIZE, "-",
		    syscall(SYS_madvise, -1L, -1L, -1L));
	vectors(fd);
	close(fd);
}

/* ---- messages ----------------------------------------------------------- */
static void messages(void)
{
	struct iovec iov = { folder, 5 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	must(s >= 0, "socket");
	number_call("sendmsg", "", "-", syscall(SYS_sendmsg, s, 8, 0));
	number_call("sendmsg", "", "-",
		    syscall(SYS_sendmsg, s, 0xffffffff81000000, 0));
	number_call("recvmsg", "", "-",
		    syscall(SYS_recvmsg, s, 8, MSG_DONTWAIT));
	m.msg_name = (void *)8;
	m.msg_namelen = 16;
	number_call("sendmsg", "5", "-", syscall(SYS_sendmsg, s, &m, 0));
	m.msg_namelen = UINT_MAX;
	number_call("sendmsg", "5", "-", syscall(SYS_sendmsg, s, &m, 0));
	m.msg_name = NULL;
	m.msg_iovlen = SIZE_MAX;
	number_call("sendmsg", "", "-", syscall(SYS_sendmsg, s, &m, 0));
	m.msg_iovlen = 1;
	m.msg_iov = (void *)8;
	number_call("sendmsg", "", "-", syscall(SYS_sendmsg, s, &m, 0));
	number_call("sendto", HUGE_SIZE, "-",
		    syscall(SYS_sendto, s, 8, -1L, 0, 8, 16));
	number_call("sendto", "1", "-",
		    syscall(SYS_sendto, s, folder, 1, 0, folder, -1));
	number_call("sendmmsg", "", "-", syscall(SYS_sendmmsg, s, 8, -1, 0));
	close(s);
}

/* ---- programs ----------------------------------------------------------- */
/* Starts itself anew; then prints what the arguments are, whole. */
static void start(const char *const argv[], const char *const envp[])
{
	int status, pid = fork();

	if (!pid) {
		prctl(PR_SET_NAME, "od\xff\n\",");
		access(".", F_OK);
		syscall(SYS_execve, "/proc/self/exe", argv, envp);
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "exec");
	if (!argv[0]) /* the kernel makes one */
		fputs("00", out);
	for (int i = 0; argv[i]; i++) {
		for (const char *p = argv[i]; *p; p++)
			fprintf(out, "%02x", (unsigned char)*p);
		fputs("00", out);
	}
	fprintf(out, "\t?\texec\t-\t-\t0\n");
}

static void programs(void)
{
	static char big[65536], value[100000];
	const char *many[20] = { "hostile", "exec" }, *env[3] = { NULL };
	const char *odd_args[ODD + 4] = { "hostile", "exec", "" };

	for (unsigned i = 0; i < ODD; i++)
		odd_args[i + 3] = odd_names[i];
	start(odd_args, env);
	memset(big, 'b', sizeof(big) - 1);
	for (int i = 2; i < 18; i++)
		many[i] = big;
	start(many, env);
	memset(value, 'v', sizeof(value) - 1);
	memcpy(value, "HOSTILE=", 8);
	env[0] = value;
	env[1] = "HOSTILE_TOO=\xff\n\"\\x41,";
	many[2] = "a\xff";
	many[3] = NULL;
	start(many, env);
	many[0] = NULL; /* no arguments at all */
	start(many, env + 2);
}

int main(int argc, char **argv)
{
	int depth = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
	char name[250] = "";

	if (!argv[0][0] || (argc > 1 && !strcmp(argv[1], "exec")))
		return 0;
	if (argc < 2 || chdir(argv[1]) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !getcwd(folder, sizeof(folder)))
		return 2;
	out = fdopen(dup(1), "w");
	setvbuf(out, NULL, _IOFBF, 16 << 20);
	pointers();
	not_in_yet();
	long_names();
	deep("whole", 30, 0);
	deep("deep", depth, 1);
	memset(name, 'l', 248);
	deep(name, 20, 1);
	stack("few", 20, 0);
	stack("many", depth, 1);
	loop();
	renamed();
	odd();
	numbers();
	messages();
	programs();
	return fclose(out) != 0;
}
