#pragma once

// What Linux offers and Swift's Glibc module leaves out: variadic functions, ioctls behind macros,
// what hides behind _GNU_SOURCE, and system calls that are younger than the headers.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <sys/vfs.h>

// MARK: Threads

/// prctl(PR_SET_NAME): names the calling thread; at most 15 bytes count.
static inline int linux_set_thread_name(const char *name) {
  return prctl(PR_SET_NAME, name, 0, 0, 0);
}

// MARK: Errors

extern const char *strerrorname_np(int number);

/// The symbol of an error number, such as "ENOSPC"; NULL for a number that is none.
static inline const char *linux_errno_symbol(int number) { return strerrorname_np(number); }

// MARK: Holes

/// lseek(2) with SEEK_DATA and SEEK_HOLE.
static inline int64_t linux_seek_data(int fd, int64_t offset) { return lseek(fd, offset, 3); }
static inline int64_t linux_seek_hole(int fd, int64_t offset) { return lseek(fd, offset, 4); }

extern int fallocate(int fd, int mode, off_t offset, off_t length);

/// fallocate(2): frees the blocks of a range, which reads as zeros afterwards; the size stays.
static inline int linux_punch_hole(int fd, int64_t offset, int64_t length) {
  return fallocate(fd, 0x01 | 0x02, offset, length);  // KEEP_SIZE | PUNCH_HOLE
}

/// fallocate(2): makes a range read as zeros; the size stays.
static inline int linux_zero_range(int fd, int64_t offset, int64_t length) {
  return fallocate(fd, 0x01 | 0x10, offset, length);  // KEEP_SIZE | ZERO_RANGE
}

// MARK: Block devices

static inline int linux_block_device_size(int fd, uint64_t *bytes) {
  return ioctl(fd, BLKGETSIZE64, bytes);
}

static inline int linux_block_device_is_read_only(int fd, int *flag) {
  return ioctl(fd, BLKROGET, flag);
}

static inline int linux_block_device_sector_size(int fd, int *bytes) {
  return ioctl(fd, BLKSSZGET, bytes);
}

/// BLKZEROOUT: makes a range of whole sectors read as zeros, by the device where it can.
static inline int linux_block_device_zero_out(int fd, uint64_t offset, uint64_t length) {
  uint64_t range[2] = {offset, length};
  return ioctl(fd, BLKZEROOUT, range);
}

// MARK: Pipes

/// F_SETPIPE_SZ: returns the new size or -1.
static inline int linux_set_pipe_size(int fd, int bytes) { return fcntl(fd, 1031, bytes); }

// MARK: Page cache

/// pread that leaves nothing in the page cache that was not there before: RWF_DONTCACHE, Linux 6.14.
/// EOPNOTSUPP where kernel or file system do not know it.
static inline ssize_t linux_pread_uncached(int fd, void *buffer, size_t length, uint64_t offset) {
  struct iovec vector = {buffer, length};
  // The system call takes the offset in two longs; on 64-bit machines the second counts for nothing.
  return syscall(SYS_preadv2, fd, &vector, 1L, (long)offset, 0L, 0x80L);
}

/// cachestat(2), Linux 6.5: how many pages of a range are in the page cache.
struct linux_cache_statistics {
  uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static inline int linux_cachestat(
    int fd, uint64_t offset, uint64_t length, struct linux_cache_statistics *statistics) {
  uint64_t range[2] = {offset, length};
  return syscall(451, fd, range, statistics, 0);
}
