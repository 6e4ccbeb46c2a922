/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * callmix.c - a fixed number of system calls, some wrong, in processes, threads
 * and (built with -m32) 32-bit mode.  What it does does not hang on time.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4
#define THREADS   3
#define ROUNDS    500

static void *work(void *arg)
{
	char c = 0;
	int fd = open("/dev/zero", O_RDONLY);

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (read(fd, &c, 1) != 1 || read(-1, &c, 1) != -1)
			_exit(2);
		syscall(SYS_getppid);
		if (i % 5 == 0)
			(void)!access("/nonexistent", F_OK);
	}
	syscall(1000); /* no call has these numbers */
	syscall(5000);
	close(fd);
	return NULL;
}

static int process(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, NULL))
			return 3;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	work(NULL);
	return 0;
}

int main(void)
{
	int status, bad = 0;

	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			_exit(process());
	for (int i = 0; i < PROCESSES; i++)
		bad |= wait(&status) < 0 || status;
	return bad ? 1 : 7;
}
