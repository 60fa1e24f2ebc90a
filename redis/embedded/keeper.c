/*
 * Keeps one Redis server alive exactly as long as some process wants it. Does the job of SUPERVISOR_SCRIPT in
 * supervisor.ts on systems without a shell (a container that holds only the single binary).
 *
 *   keeper --make PIPE            makes the named pipe
 *   keeper PIPE SERVER [ARG]...   runs the server until the last write end of the pipe is closed
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec BEFORE_RESTART = {0, 100 * 1000 * 1000};

static volatile sig_atomic_t asked_to_end;
/* A pipe to ourselves, so that a signal just before poll still wakes it. */
static int wake[2];

static void on_signal(int signal) {
  int saved = errno;
  if (signal == SIGTERM) asked_to_end = 1;
  if (write(wake[1], "", 1) < 0) { /* full: poll wakes anyway */
  }
  errno = saved;
}

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_NOCLDSTOP;
  sigaction(signal, &action, NULL);
}

static int keep_private(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) | fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static pid_t start(char **command) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  /* Ignored signals stay ignored across exec; the server must handle them its own way. */
  handle(SIGINT, SIG_DFL);
  handle(SIGHUP, SIG_DFL);
  execv(command[0], command);
  _exit(127);
}

/* Whether an owner is left. Owners write nothing; discard anything that arrives. */
static int owned(int owners) {
  char waste[512];
  ssize_t n;
  while ((n = read(owners, waste, sizeof waste)) > 0) {
  }
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int keep(const char *path, char **command) {
  char waste[64];
  pid_t server = -1;
  /* The first owner opens the pipe before it starts this program; if nobody holds it, that owner has died. */
  int owners = open(path, O_RDONLY | O_NONBLOCK);
  if (owners < 0 || pipe(wake) < 0) return 1;
  keep_private(owners);
  keep_private(wake[0]);
  keep_private(wake[1]);
  handle(SIGINT, SIG_IGN);
  handle(SIGHUP, SIG_IGN);
  handle(SIGTERM, on_signal);
  handle(SIGCHLD, on_signal);
  while (owned(owners) && !asked_to_end) {
    struct pollfd fds[2] = {{owners, POLLIN, 0}, {wake[0], POLLIN, 0}};
    if (server < 0) server = start(command);
    poll(fds, 2, server < 0 ? 100 : -1);
    while (read(wake[0], waste, sizeof waste) > 0) {
    }
    if (server > 0 && waitpid(server, NULL, WNOHANG) == server) {
      server = -1;
      nanosleep(&BEFORE_RESTART, NULL);
    }
  }
  unlink(path);
  if (server > 0) {
    kill(server, SIGTERM);
    while (waitpid(server, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--make") == 0) {
    if (mkfifo(argv[2], 0600) == 0) return 0;
    perror(argv[2]);
    return 1;
  }
  if (argc < 3) {
    fputs("usage: keeper --make PIPE | keeper PIPE SERVER [ARG]...\n", stderr);
    return 2;
  }
  return keep(argv[1], argv + 2);
}
