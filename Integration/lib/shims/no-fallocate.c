// A file system, or a device, that cannot punch holes. With NO_DISCARD set it cannot discard either.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int fallocate(int fd, int mode, off_t offset, off_t length) {
  errno = EOPNOTSUPP;
  return -1;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (request == BLKDISCARD && getenv("NO_DISCARD")) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return syscall(SYS_ioctl, fd, request, argument);
}
