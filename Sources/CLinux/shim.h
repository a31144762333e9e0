#pragma once

// What Linux offers and the Glibc module leaves out: ioctls behind macros and open file description locks.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
