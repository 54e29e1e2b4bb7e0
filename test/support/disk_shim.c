/*
 * A disk that tests own: preloaded (LD_PRELOAD) into a process, it sees what the process does to the files below
 * DISK_DIR, and can
 *   DISK_LOG=file    record it, in the order in which it happened (format: see test/crash/disk-log.ts),
 *   DISK_DELAY=file  make fsync and fdatasync take as many milliseconds as stand in the file,
 *   DISK_FAIL=file   make them fail, and writes too, with the errno that stands in the file, while it exists.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_DIR, RENAME, UNLINK };

#define MAX_FD 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static size_t dir_length;
static const char *delay_file, *fail_file;
static int log_fd = -1;
/* Descriptors of files below DISK_DIR: 1; of directories: 2. */
static unsigned char watched[MAX_FD];

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_close)(int), (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void start(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_close = dlsym(RTLD_NEXT, "close");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  const char *wanted = getenv("DISK_DIR");
  if (wanted == NULL) return;
  snprintf(dir, sizeof dir, "%s/", wanted);
  dir_length = strlen(dir);
  delay_file = getenv("DISK_DELAY");
  fail_file = getenv("DISK_FAIL");
  const char *log_file = getenv("DISK_LOG");
  if (log_file != NULL) log_fd = real_open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* 0: not ours; the directory itself counts as ours. */
static int below(const char *path) {
  if (dir_length == 0 || path == NULL) return 0;
  return strncmp(path, dir, dir_length) == 0 || (strlen(path) == dir_length - 1 && strncmp(path, dir, dir_length - 1) == 0);
}

static uint64_t inode_of(int fd) {
  struct stat64 status;
  return fstat64(fd, &status) == 0 ? status.st_ino : 0;
}

/* u8 kind, u64 inode, i64 offset, u32 bytes, the bytes. The lock is held. */
static void record(int kind, uint64_t inode, int64_t offset, const void *data, uint32_t bytes) {
  if (log_fd < 0) return;
  unsigned char head[21];
  head[0] = kind;
  memcpy(head + 1, &inode, 8);
  memcpy(head + 9, &offset, 8);
  memcpy(head + 17, &bytes, 4);
  struct iovec parts[2] = {{head, sizeof head}, {(void *)data, bytes}};
  if (syscall(SYS_writev, log_fd, parts, bytes == 0 ? 1 : 2) != (long)(sizeof head + bytes)) abort();
}

static int opened(const char *path, int flags, mode_t mode) {
  if (!below(path)) return real_open(path, flags, mode);
  pthread_mutex_lock(&lock);
  int existed = access(path, F_OK) == 0;
  int fd = real_open(path, flags, mode);
  if (fd >= 0 && fd < MAX_FD) {
    struct stat64 status;
    int is_dir = fstat64(fd, &status) == 0 && S_ISDIR(status.st_mode);
    watched[fd] = is_dir ? 2 : 1;
    if (!existed) record(CREATE, status.st_ino, 0, path, strlen(path));
    else if ((flags & O_TRUNC) != 0) record(TRUNCATE, status.st_ino, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

#define OPEN(name)                                      \
  int name(const char *path, int flags, ...) {          \
    mode_t mode = 0;                                    \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {         \
      va_list rest;                                     \
      va_start(rest, flags);                            \
      mode = va_arg(rest, mode_t);                      \
      va_end(rest);                                     \
    }                                                   \
    return opened(path, flags, mode);                   \
  }
OPEN(open)
OPEN(open64)

static int is_file(int fd) { return fd >= 0 && fd < MAX_FD && watched[fd] == 1; }

/* 0: there is no such file. */
static long number_in(const char *file) {
  if (file == NULL) return 0;
  char text[16] = {0};
  int fd = real_open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  long number = read(fd, text, sizeof text - 1) > 0 ? atol(text) : 0;
  real_close(fd);
  return number;
}

static int fails(void) {
  long error = number_in(fail_file);
  if (error != 0) errno = error;
  return error != 0;
}

int close(int fd) {
  if (fd >= 0 && fd < MAX_FD) watched[fd] = 0;
  return real_close(fd);
}

static ssize_t written(int fd, const void *data, size_t bytes, off64_t offset, int at_end) {
  if (fails()) return -1;
  pthread_mutex_lock(&lock);
  if (at_end) {
    struct stat64 status;
    int append = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    offset = append && fstat64(fd, &status) == 0 ? status.st_size : lseek64(fd, 0, SEEK_CUR);
  }
  ssize_t done = at_end ? real_write(fd, data, bytes) : real_pwrite(fd, data, bytes, offset);
  if (done > 0) record(WRITE, inode_of(fd), offset, data, done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  return is_file(fd) ? written(fd, data, bytes, 0, 1) : real_write(fd, data, bytes);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
  return is_file(fd) ? written(fd, data, bytes, offset, 0) : real_pwrite(fd, data, bytes, offset);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) { return pwrite64(fd, data, bytes, offset); }

int ftruncate64(int fd, off64_t size) {
  if (!is_file(fd)) return real_ftruncate(fd, size);
  if (fails()) return -1;
  pthread_mutex_lock(&lock);
  int result = real_ftruncate(fd, size);
  if (result == 0) record(TRUNCATE, inode_of(fd), size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static void delay(void) {
  long ms = number_in(delay_file);
  struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

static int synced(int fd, int (*real)(int)) {
  if (fd < 0 || fd >= MAX_FD || watched[fd] == 0) return real(fd);
  if (fails()) return -1;
  delay();
  pthread_mutex_lock(&lock);
  int result = real(fd);
  if (result == 0) record(watched[fd] == 2 ? SYNC_DIR : SYNC, inode_of(fd), 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }

int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int unlink(const char *path) {
  if (!below(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  int result = real_unlink(path);
  if (result == 0) record(UNLINK, 0, 0, path, strlen(path));
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  if (!below(from)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  int result = real_rename(from, to);
  if (result == 0) {
    char both[2 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s\n%s", from, to);
    record(RENAME, 0, 0, both, length);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
