/*
 * Preloaded into a process (LD_PRELOAD), writes down what it does to the files below POWER_CUT_ROOT, with the data, in
 * the order in which it happens, into the file POWER_CUT_JOURNAL. What of it a power cut may leave is for the reader
 * of the journal to say (disk.ts); journal.ts knows the format.
 *
 * All processes that share a journal take turns: one change and its record at a time. So the order of the records is
 * that of the changes. Only fsync runs outside of its turn: a record before it tells what it covers for certain, and
 * one after it has returned, that it does.
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
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#undef fwrite_unlocked

enum { OPEN = 1, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, LINK, MKDIR, RMDIR };
enum { CREATES = 1, TRUNCATES = 2 };
enum { MAX_FDS = 65536, HEADER_BYTES = 4096 };

struct record {
  uint32_t bytes;
  uint32_t type;
  uint64_t handle;
  uint64_t value;
  uint32_t path_bytes;
  uint32_t second_path_bytes;
};

typedef long (*system_call_function)(long, ...);

/* Not through the function below. */
static system_call_function found_system_call(void) {
  static system_call_function found;
  if (found == NULL) found = (system_call_function)dlsym(RTLD_NEXT, "syscall");
  return found;
}
#define system_call(...) found_system_call()(__VA_ARGS__)

static int journal = -1;
/* At the start of the journal, shared by all: where its last complete record ends. A process that is killed while it
   appends one leaves this as it was, and the next one overwrites what there is of it. */
static volatile uint64_t *end_of_journal;
static char root[PATH_MAX];
static size_t root_bytes;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
/* By descriptor, where the record of its opening is in the journal; 0 for files elsewhere. */
static uint64_t handles[MAX_FDS];

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static void give_up(const char *what) {
  dprintf(2, "power cut journal: %s\n", what);
  abort();
}

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("POWER_CUT_JOURNAL");
  const char *below = getenv("POWER_CUT_ROOT");
  if (path == NULL || below == NULL) return;
  root_bytes = strlen(below);
  memcpy(root, below, root_bytes + 1);
  int fd = system_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) give_up("it cannot be opened");
  end_of_journal = (volatile uint64_t *)system_call(SYS_mmap, NULL, HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (end_of_journal == MAP_FAILED) give_up("it cannot be mapped");
  journal = fd;
}

static void begin_turn(void) {
  pthread_mutex_lock(&turn);
  while (flock(journal, LOCK_EX) != 0)
    if (errno != EINTR) give_up("it cannot be locked");
}

static void end_turn(void) {
  flock(journal, LOCK_UN);
  pthread_mutex_unlock(&turn);
}

static uint64_t append(uint32_t type, uint64_t handle, uint64_t value, const char *path, const char *second,
                       const void *data, size_t data_bytes) {
  size_t path_bytes = path ? strlen(path) : 0, second_bytes = second ? strlen(second) : 0;
  uint32_t bytes = sizeof(struct record) + path_bytes + second_bytes + data_bytes;
  struct record head = {bytes, type, handle, value, path_bytes, second_bytes};
  struct iovec parts[] = {
      {&head, sizeof head}, {(void *)path, path_bytes}, {(void *)second, second_bytes}, {(void *)data, data_bytes}};
  uint64_t at = *end_of_journal, done = 0;
  while (done < bytes) {
    struct iovec left[4];
    int count = 0;
    uint64_t skip = done;
    for (int i = 0; i < 4; i++) {
      size_t skipped = skip < parts[i].iov_len ? skip : parts[i].iov_len;
      skip -= skipped;
      if (parts[i].iov_len > skipped)
        left[count++] = (struct iovec){(char *)parts[i].iov_base + skipped, parts[i].iov_len - skipped};
    }
    ssize_t n = system_call(SYS_pwritev, journal, left, count, (long)(at + done), 0L);
    if (n < 0 && errno != EINTR) give_up("it cannot be written");
    if (n > 0) done += n;
  }
  __atomic_store_n(end_of_journal, at + bytes, __ATOMIC_SEQ_CST);
  return at;
}

/* The path from the root on, "" for the root itself; NULL where it is elsewhere. */
static const char *traced(const char *path, char *buffer) {
  if (journal < 0 || path == NULL) return NULL;
  if (path[0] != '/') {
    if (getcwd(buffer, PATH_MAX) == NULL) return NULL;
    size_t bytes = strlen(buffer);
    if (bytes + strlen(path) + 2 > PATH_MAX) return NULL;
    buffer[bytes] = '/';
    strcpy(buffer + bytes + 1, path);
    path = buffer;
  }
  if (strncmp(path, root, root_bytes) != 0) return NULL;
  if (path[root_bytes] == 0) return path + root_bytes;
  return path[root_bytes] == '/' ? path + root_bytes + 1 : NULL;
}

static uint64_t handle_of(int fd) {
  return fd >= 0 && fd < MAX_FDS ? __atomic_load_n(&handles[fd], __ATOMIC_SEQ_CST) : 0;
}

static void remember(int fd, uint64_t handle) {
  if (fd >= MAX_FDS) give_up("too many descriptors");
  __atomic_store_n(&handles[fd], handle, __ATOMIC_SEQ_CST);
}

static int open_file(int dir, const char *path, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char *name = dir == AT_FDCWD || (path && path[0] == '/') ? traced(path, buffer) : NULL;
  if (name == NULL) {
    int fd = system_call(SYS_openat, dir, path, flags, mode);
    if (fd >= 0 && handle_of(fd) != 0) remember(fd, 0);
    return fd;
  }
  begin_turn();
  int fd = system_call(SYS_openat, dir, path, flags, mode);
  int error = errno;
  if (fd >= 0) {
    uint64_t how = (flags & O_CREAT ? CREATES : 0) | (flags & O_TRUNC ? TRUNCATES : 0);
    remember(fd, append(OPEN, 0, how, name, NULL, NULL, 0));
  }
  end_turn();
  errno = error;
  return fd;
}

#define OPEN_MODE(flags, mode)                          \
  mode_t mode = 0;                                      \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {              \
    va_list arguments;                                  \
    va_start(arguments, flags);                         \
    mode = va_arg(arguments, mode_t);                   \
    va_end(arguments);                                  \
  }

int open(const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  return open_file(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  return open_file(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  return open_file(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  return open_file(dir, path, flags, mode);
}

int close(int fd) {
  if (handle_of(fd) != 0) remember(fd, 0);
  return system_call(SYS_close, fd);
}

/* libuv closes files by the bare system call. */
long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_close) return close((int)a[0]);
  if (number == SYS_copy_file_range && handle_of((int)a[2]) != 0) give_up("a file is written by copy_file_range");
  return system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* One write through one vector, at the offset or, where that is negative, at the position of the file. */
static ssize_t write_traced(int fd, const struct iovec *parts, int count, off_t offset) {
  uint64_t handle = handle_of(fd);
  begin_turn();
  ssize_t n = offset < 0 ? system_call(SYS_writev, fd, parts, count) : system_call(SYS_pwritev, fd, parts, count, (long)offset, 0L);
  int error = errno;
  if (n > 0) {
    off_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) - n : offset;
    for (size_t left = n; left > 0; parts++) {
      size_t bytes = parts->iov_len < left ? parts->iov_len : left;
      append(WRITE, handle, at, NULL, NULL, parts->iov_base, bytes);
      at += bytes;
      left -= bytes;
    }
  }
  end_turn();
  errno = error;
  return n;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  if (handle_of(fd) == 0) return system_call(SYS_write, fd, data, bytes);
  struct iovec part = {(void *)data, bytes};
  return write_traced(fd, &part, 1, -1);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (handle_of(fd) == 0) return system_call(SYS_writev, fd, parts, count);
  return write_traced(fd, parts, count, -1);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
  if (handle_of(fd) == 0) return system_call(SYS_pwrite64, fd, data, bytes, offset);
  struct iovec part = {(void *)data, bytes};
  return write_traced(fd, &part, 1, offset);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) { return pwrite64(fd, data, bytes, offset); }

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  if (handle_of(fd) == 0) return system_call(SYS_pwritev, fd, parts, count, (long)offset, 0L);
  return write_traced(fd, parts, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

/* What stdio writes it writes past these functions: so nothing is left to its buffers. */
static FILE *opened(FILE *file, const char *path, const char *mode) {
  char buffer[PATH_MAX];
  const char *name = traced(path, buffer);
  if (file != NULL && handle_of(fileno(file)) != 0) remember(fileno(file), 0);
  if (file == NULL || name == NULL || mode[0] == 'r') return file;
  remember(fileno(file), append(OPEN, 0, CREATES | (mode[0] == 'w' ? TRUNCATES : 0), name, NULL, NULL, 0));
  return file;
}

FILE *fopen64(const char *path, const char *mode) {
  if (journal < 0) return REAL(fopen64)(path, mode);
  begin_turn();
  FILE *file = opened(REAL(fopen64)(path, mode), path, mode);
  int error = errno;
  end_turn();
  errno = error;
  return file;
}

FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

static size_t write_all(int fd, const char *data, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = write(fd, data + done, bytes - done);
    if (n < 0 && errno != EINTR) return done;
    if (n > 0) done += n;
  }
  return bytes;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  if (handle_of(fileno(file)) == 0) return REAL(fwrite)(data, size, count, file);
  return size == 0 ? 0 : write_all(fileno(file), data, size * count) / size;
}

size_t fwrite_unlocked(const void *data, size_t size, size_t count, FILE *file) {
  if (handle_of(fileno(file)) == 0) return REAL(fwrite_unlocked)(data, size, count, file);
  return size == 0 ? 0 : write_all(fileno(file), data, size * count) / size;
}

int fclose(FILE *file) {
  int fd = fileno(file);
  if (handle_of(fd) != 0) remember(fd, 0);
  return REAL(fclose)(file);
}

int ftruncate64(int fd, off64_t bytes) {
  uint64_t handle = handle_of(fd);
  if (handle == 0) return system_call(SYS_ftruncate, fd, bytes);
  begin_turn();
  int result = system_call(SYS_ftruncate, fd, bytes), error = errno;
  if (result == 0) append(TRUNCATE, handle, bytes, NULL, NULL, NULL, 0);
  end_turn();
  errno = error;
  return result;
}

int ftruncate(int fd, off_t bytes) { return ftruncate64(fd, bytes); }

static int sync_file(int fd, long number) {
  uint64_t handle = handle_of(fd);
  if (handle == 0) return system_call(number, fd);
  begin_turn();
  uint64_t began = append(SYNC_BEGIN, handle, 0, NULL, NULL, NULL, 0);
  end_turn();
  int result = system_call(number, fd), error = errno;
  if (result == 0) {
    begin_turn();
    append(SYNC_END, handle, began, NULL, NULL, NULL, 0);
    end_turn();
  }
  errno = error;
  return result;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }

int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

/* A change of names by the system call, recorded where it succeeds and concerns the root. */
static int change_names(uint32_t type, long number, const char *first, const char *second, mode_t mode) {
  char buffer[PATH_MAX], second_buffer[PATH_MAX];
  const char *name = traced(first, buffer), *other = traced(second, second_buffer);
  if (second != NULL && (name == NULL) != (other == NULL)) give_up("a file crosses the border of the root");
  if (name != NULL) begin_turn();
  int result = second != NULL ? system_call(number, first, second) : system_call(number, first, mode), error = errno;
  if (name != NULL) {
    if (result == 0) append(type, 0, 0, name, other, NULL, 0);
    end_turn();
  }
  errno = error;
  return result;
}

int rename(const char *from, const char *to) { return change_names(RENAME, SYS_rename, from, to, 0); }

int link(const char *from, const char *to) { return change_names(LINK, SYS_link, from, to, 0); }

int unlink(const char *path) { return change_names(UNLINK, SYS_unlink, path, NULL, 0); }

int mkdir(const char *path, mode_t mode) { return change_names(MKDIR, SYS_mkdir, path, NULL, mode); }

int rmdir(const char *path) { return change_names(RMDIR, SYS_rmdir, path, NULL, 0); }

/* What would change a file behind the journal's back. */
void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t offset) {
  if ((protection & PROT_WRITE) && (flags & MAP_SHARED) && handle_of(fd) != 0) give_up("a file is mapped to be written");
  return (void *)system_call(SYS_mmap, address, bytes, protection, flags, fd, offset);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
  return mmap64(address, bytes, protection, flags, fd, offset);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t bytes) {
  if (handle_of(to) != 0) give_up("a file is written by sendfile");
  return system_call(SYS_sendfile, to, from, offset, bytes);
}
