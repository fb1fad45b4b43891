/* Plays a disk that fails, a disk that is full, and a clock that jumps, for one
 * process that has this library in LD_PRELOAD.
 *
 * FAULTS_CONTROL names a file of two 64-bit numbers, which whoever injects
 * faults writes while the process runs: how many seconds the clock is ahead,
 * and what the disk does. FAULTS_UNDER names the folder that the disk's faults
 * are about. Linux only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int64_t seconds_ahead;
    volatile int64_t disk;
};

enum disk { SOUND = 0, SYNC_FAILS = 1, IS_FULL = 2, CANT_GROW = 3 };

static struct control none;
static struct control *control = &none;
static char under[PATH_MAX];
static size_t under_length;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("FAULTS_UNDER");
    const char *file = getenv("FAULTS_CONTROL");
    if (folder == NULL || file == NULL || strlen(folder) >= sizeof(under)) return;
    strcpy(under, folder);
    under_length = strlen(under);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) control = map;
}

/* The function of the same name that this one stands before. */
#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path));
    return length >= (ssize_t)under_length && memcmp(path, under, under_length) == 0;
}

static int sync_fails(int fd) { return control->disk == SYNC_FAILS && is_ours(fd); }

static int has_no_room(int fd, off_t end) {
    int64_t disk = control->disk;
    if (disk != IS_FULL && disk != CANT_GROW) return 0;
    if (!is_ours(fd)) return 0;
    if (disk == IS_FULL) return 1;
    struct stat now;
    return fstat(fd, &now) == 0 && S_ISREG(now.st_mode) && end > now.st_size;
}

static off_t after(int fd, size_t count) {
    if (control->disk == SOUND) return 0;
    off_t at = lseek(fd, 0, SEEK_CUR);
    return at < 0 ? 0 : at + (off_t)count;
}

static size_t length_of(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    return length;
}

#define FAIL(error) do { errno = (error); return -1; } while (0)

int fsync(int fd) {
    REAL(fsync);
    if (sync_fails(fd)) FAIL(EIO);
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    if (sync_fails(fd)) FAIL(EIO);
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    if (has_no_room(fd, after(fd, count))) FAIL(ENOSPC);
    return real(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    if (has_no_room(fd, after(fd, length_of(parts, count)))) FAIL(ENOSPC);
    return real(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(pwrite);
    if (has_no_room(fd, at + (off_t)count)) FAIL(ENOSPC);
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    if (has_no_room(fd, at + (off_t)count)) FAIL(ENOSPC);
    return real(fd, bytes, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    REAL(pwritev);
    if (has_no_room(fd, at + (off_t)length_of(parts, count))) FAIL(ENOSPC);
    return real(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    REAL(pwritev64);
    if (has_no_room(fd, at + (off_t)length_of(parts, count))) FAIL(ENOSPC);
    return real(fd, parts, count, at);
}

int posix_fallocate(int fd, off_t at, off_t length) {
    REAL(posix_fallocate);
    if (has_no_room(fd, at + length)) return ENOSPC;
    return real(fd, at, length);
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    REAL(posix_fallocate64);
    if (has_no_room(fd, at + length)) return ENOSPC;
    return real(fd, at, length);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int answer = real(clock, now);
    if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += control->seconds_ahead;
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (real == NULL) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int answer = real(now, zone);
    if (answer == 0) now->tv_sec += control->seconds_ahead;
    return answer;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) *now = precise.tv_sec;
    return precise.tv_sec;
}
