// A file system that calls data a hole: of small files the first half. With NO_BLOCK_MAP set it has no map
// of blocks either.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

off_t lseek(int fd, off_t offset, int whence) {
  return whence == SEEK_DATA && offset < 1500000 ? 1500000
                                                 : syscall(SYS_lseek, fd, offset, whence);
}

off_t lseek64(int fd, off_t offset, int whence) { return lseek(fd, offset, whence); }

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (request == 0xC020660BUL && getenv("NO_BLOCK_MAP")) {  // FS_IOC_FIEMAP
    errno = ENOTTY;
    return -1;
  }
  return syscall(SYS_ioctl, fd, request, argument);
}
