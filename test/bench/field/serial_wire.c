/* A serial line between two pseudo terminals: each byte comes out at the other end one by one, when its last bit would have
   been there.

   serial_wire CHARACTER_NS LINK LINK     prints "listening"; ends with standard input and leaves no links behind */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY 65536 /* bytes under way in one direction; a power of 2 */

static struct end {
  int master;
  /* What came in here and goes out at the other end. */
  uint8_t bytes[CAPACITY];
  unsigned first, next;
  int64_t due; /* of the first byte, when there is one; else when the line was last busy */
} ends[2];
static int64_t character;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int open_end(struct end *end, const char *link) {
  end->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (end->master == -1 || grantpt(end->master) == -1 || unlockpt(end->master) == -1) return -1;
  const char *name = ptsname(end->master);
  /* Kept open: the line is there whether or not somebody listens. */
  int slave = open(name, O_RDWR | O_NOCTTY);
  struct termios mode;
  if (slave == -1 || tcgetattr(slave, &mode) == -1) return -1;
  cfmakeraw(&mode);
  if (tcsetattr(slave, TCSANOW, &mode) == -1) return -1;
  unlink(link);
  return symlink(name, link);
}

static int take_in(struct end *end, int64_t now) {
  uint8_t chunk[4096];
  ssize_t size = read(end->master, chunk, sizeof chunk);
  if (size <= 0) return size == -1 && errno == EAGAIN ? 0 : -1;
  if (end->first == end->next) end->due = (end->due > now ? end->due : now) + character;
  for (ssize_t i = 0; i < size; i++) {
    if (end->next - end->first == CAPACITY) return -1;
    end->bytes[end->next++ % CAPACITY] = chunk[i];
  }
  return 0;
}

static int give_out(struct end *end, int other, int64_t now) {
  while (end->first != end->next && end->due <= now) {
    if (write(other, &end->bytes[end->first % CAPACITY], 1) != 1) return -1;
    end->first++;
    if (end->first != end->next) end->due += character;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  character = atoll(argv[1]);
  /* Timers as exact as the kernel has them. */
  prctl(PR_SET_TIMERSLACK, 1);
  for (int i = 0; i < 2; i++) if (open_end(&ends[i], argv[2 + i]) == -1) return perror(argv[2 + i]), 1;
  printf("listening\n");
  fflush(stdout);
  int result = 0;
  for (;;) {
    struct pollfd files[3] = {{.fd = ends[0].master, .events = POLLIN}, {.fd = ends[1].master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    int64_t now = now_ns(), wait = -1;
    for (int i = 0; i < 2; i++) {
      if (ends[i].first == ends[i].next) continue;
      int64_t left = ends[i].due > now ? ends[i].due - now : 0;
      if (wait == -1 || left < wait) wait = left;
    }
    struct timespec timeout = {.tv_sec = wait / 1000000000LL, .tv_nsec = wait % 1000000000LL};
    if (ppoll(files, 3, wait == -1 ? NULL : &timeout, NULL) == -1 && errno != EINTR) { result = 1; break; }
    if (files[2].revents) {
      char line[64];
      if (read(0, line, sizeof line) <= 0) break;
    }
    now = now_ns();
    int failed = 0;
    for (int i = 0; i < 2; i++) if (give_out(&ends[i], ends[1 - i].master, now) == -1) failed = 1;
    for (int i = 0; i < 2; i++) if (files[i].revents & POLLIN && take_in(&ends[i], now) == -1) failed = 1;
    if (failed) { perror("line"); result = 1; break; }
  }
  unlink(argv[2]);
  unlink(argv[3]);
  return result;
}
