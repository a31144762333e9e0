#pragma once

// What Linux offers and Swift's Glibc module leaves out: variadic functions, ioctls behind macros,
// and what hides behind _GNU_SOURCE, which that module is built without.
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/dm-ioctl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <signal.h>
#include <spawn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

// MARK: Opening

/// open(2), O_PATH: a descriptor good for fstat only; nothing is really opened.
static const int linux_open_path_only = 010000000;

/// open(2), O_TMPFILE: a file without a name, in the directory that is given.
static const int linux_open_unnamed = 020200000;

extern long syscall(long number, ...);

/// openat2(2): opens what lies below an open directory, at a path without `..`, and follows no link.
/// ELOOP where a part of the path is a symbolic link.
static inline int linux_open_beneath(
    int directory, const char *path, uint64_t flags, uint64_t mode) {
  // struct open_how of <linux/openat2.h>: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
  uint64_t how[3] = {flags, flags & O_CREAT ? mode : 0, 0x08 | 0x04 | 0x02};
  // The number is the same on every architecture.
  return (int)syscall(437, directory, path, how, sizeof how);
}

/// openat(2), which Swift does not know since it takes what follows as it comes.
static inline int linux_open_at(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

// MARK: Holes

/// lseek(2) with SEEK_DATA and SEEK_HOLE.
static inline off_t linux_seek_data(int fd, off_t offset) { return lseek(fd, offset, 3); }
static inline off_t linux_seek_hole(int fd, off_t offset) { return lseek(fd, offset, 4); }

extern int fallocate(int fd, int mode, off_t offset, off_t length);

/// fallocate(2): frees the blocks of a range, which reads as zeros afterwards; the size stays.
static inline int linux_punch_hole(int fd, off_t offset, off_t length) {
  return fallocate(fd, 0x01 | 0x02, offset, length);  // KEEP_SIZE | PUNCH_HOLE
}

/// FS_IOC_FIEMAP: 1 where blocks with content are allocated to a range of a file, 0 where none are;
/// -1 where the file system does not tell. Blocks that are reserved and read as zeros do not count.
static inline int linux_has_written_blocks(int fd, uint64_t offset, uint64_t length) {
  enum { EXTENTS = 64 };
  union {
    struct fiemap header;
    char bytes[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
  } map;
  uint64_t end = offset + length;
  while (offset < end) {
    memset(&map.header, 0, sizeof map.header);
    map.header.fm_start = offset;
    map.header.fm_length = end - offset;
    map.header.fm_extent_count = EXTENTS;
    if (ioctl(fd, FS_IOC_FIEMAP, &map) == -1) return -1;
    if (map.header.fm_mapped_extents == 0) return 0;
    for (uint32_t number = 0; number < map.header.fm_mapped_extents; number++) {
      struct fiemap_extent extent;
      memcpy(
          &extent, map.bytes + sizeof map.header + number * sizeof extent, sizeof extent);
      if (!(extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN)) return 1;
      if (extent.fe_flags & FIEMAP_EXTENT_LAST || extent.fe_logical + extent.fe_length <= offset)
        return 0;
      offset = extent.fe_logical + extent.fe_length;
    }
  }
  return 0;
}

// MARK: Block devices

static inline int linux_block_device_size(int fd, uint64_t *bytes) {
  return ioctl(fd, BLKGETSIZE64, bytes);
}

static inline int linux_block_device_is_read_only(int fd, int *flag) {
  return ioctl(fd, BLKROGET, flag);
}

/// BLKDISCARD: tells a device that the content of a range of whole sectors is not needed any more. What
/// the range reads as afterwards is for the device to say.
static inline int linux_block_device_discard(int fd, uint64_t offset, uint64_t length) {
  uint64_t range[2] = {offset, length};
  return ioctl(fd, BLKDISCARD, range);
}

/// DM_TABLE_STATUS: whether a device of the device mapper consists of targets of one type only, such as
/// "thin"; 0 also where that cannot be found out.
static inline int linux_mapped_device_is(uint64_t device, const char *type) {
  union {
    struct dm_ioctl header;
    char bytes[16384];
  } table;
  memset(&table, 0, sizeof table.header);
  table.header.version[0] = DM_VERSION_MAJOR;
  table.header.data_size = sizeof table;
  table.header.data_start = sizeof table.header;
  table.header.dev = device;
  table.header.flags = DM_STATUS_TABLE_FLAG;
  int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (control == -1) return 0;
  int outcome = ioctl(control, DM_TABLE_STATUS, &table);
  close(control);
  if (outcome == -1 || table.header.flags & DM_BUFFER_FULL_FLAG) return 0;
  uint32_t next = 0;
  for (uint32_t number = 0; number < table.header.target_count; number++) {
    if (next > sizeof table - table.header.data_start - sizeof(struct dm_target_spec)) return 0;
    struct dm_target_spec target;
    memcpy(&target, table.bytes + table.header.data_start + next, sizeof target);
    if (strncmp(target.target_type, type, sizeof target.target_type) != 0) return 0;
    next = target.next;
  }
  return table.header.target_count > 0;
}

// MARK: Loop devices

/// LOOP_CTL_GET_FREE: the number of a loop device that nobody uses now.
static inline int linux_free_loop_device(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

/// LOOP_CONFIGURE: a part of a file as a loop device, which lets go of it by itself when nobody has
/// the device open or mounted any more.
static inline int linux_set_up_loop_device(
    int device, int file, uint64_t offset, uint64_t length) {
  struct loop_config configuration = {
      .fd = (uint32_t)file,
      .info = {.lo_offset = offset, .lo_sizelimit = length, .lo_flags = LO_FLAGS_AUTOCLEAR},
  };
  return ioctl(device, LOOP_CONFIGURE, &configuration);
}

// MARK: Pipes

/// F_SETPIPE_SZ: returns the new size or -1.
static inline int linux_set_pipe_size(int fd, int bytes) { return fcntl(fd, 1031, bytes); }

extern int pipe2(int ends[2], int flags);

/// pipe2(2) with O_CLOEXEC.
static inline int linux_make_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

// MARK: Page cache

extern int mincore(void *start, size_t length, unsigned char *vector);

/// mincore(2): for each page of a mapped range a byte whose lowest bit says whether it is in memory.
static inline int linux_resident_pages(void *start, size_t length, unsigned char *vector) {
  return mincore(start, length, vector);
}

extern int sync_file_range(int fd, off_t offset, off_t length, unsigned int flags);

/// sync_file_range(2): starts writing a range to the storage.
static inline int linux_start_writeback(int fd, off_t offset, off_t length) {
  return sync_file_range(fd, offset, length, 2);  // WRITE
}

/// sync_file_range(2): writes a range to the storage and waits for it; no device cache is flushed.
static inline int linux_complete_writeback(int fd, off_t offset, off_t length) {
  return sync_file_range(fd, offset, length, 1 | 2 | 4);  // WAIT_BEFORE | WRITE | WAIT_AFTER
}

// MARK: Calls that wait for the storage

/// What a storage process does at one request.
enum linux_storage_operation {
  LINUX_STORAGE_START_WRITEBACK = 1,
  LINUX_STORAGE_COMPLETE_WRITEBACK,
  LINUX_STORAGE_SYNCHRONIZE,
  LINUX_STORAGE_PUNCH_HOLE,
  LINUX_STORAGE_DISCARD,
};

struct linux_storage_request {
  uint32_t operation;
  uint32_t unused;
  uint64_t offset;
  uint64_t length;
};

static inline int linux_perform_storage_request(int fd, struct linux_storage_request request) {
  off_t offset = (off_t)request.offset, length = (off_t)request.length;
  switch (request.operation) {
    case LINUX_STORAGE_START_WRITEBACK: return linux_start_writeback(fd, offset, length);
    case LINUX_STORAGE_COMPLETE_WRITEBACK: return linux_complete_writeback(fd, offset, length);
    case LINUX_STORAGE_SYNCHRONIZE: return fsync(fd);
    case LINUX_STORAGE_PUNCH_HOLE: return linux_punch_hole(fd, offset, length);
    case LINUX_STORAGE_DISCARD:
      return linux_block_device_discard(fd, request.offset, request.length);
    default: errno = EINVAL; return -1;
  }
}

static inline void linux_close_descriptors(unsigned first, unsigned last) {
  if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
  struct rlimit limit;
  unsigned end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (unsigned)limit.rlim_cur : 65536;
  for (unsigned fd = first; fd <= last && fd < end; fd++) close((int)fd);
}

/// Forks a process that has `file` and the socket `requests` open and nothing else. It answers each
/// request with an error number, 0 for none, until the other end is closed. Returns its id or -1.
static inline pid_t linux_fork_storage_process(int file, int requests) {
  pid_t child = fork();
  if (child != 0) return child;
  // Only what signal-safety(7) lists: another thread may have held any lock.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  prctl(PR_SET_NAME, "varve-storage");
  unsigned low = (unsigned)(file < requests ? file : requests);
  unsigned high = (unsigned)(file < requests ? requests : file);
  if (low > 0) linux_close_descriptors(0, low - 1);
  linux_close_descriptors(low + 1, high - 1);
  linux_close_descriptors(high + 1, ~0U);
  struct linux_storage_request request;
  while (recv(requests, &request, sizeof request, 0) == (ssize_t)sizeof request) {
    int outcome, error;
    do outcome = linux_perform_storage_request(file, request);
    while (outcome == -1 && errno == EINTR);
    error = outcome == -1 ? errno : 0;
    if (send(requests, &error, sizeof error, MSG_NOSIGNAL) != (ssize_t)sizeof error) break;
  }
  _exit(0);
}

// MARK: Leases

/// fcntl(2), F_SETLEASE with F_WRLCK: EAGAIN when the file is open anywhere else. Whoever opens it
/// while the lease is held has a signal sent to this process, by default SIGIO, which would end it:
/// F_SETSIG makes it SIGURG, which by default does nothing.
static inline int linux_take_write_lease(int fd) {
  return fcntl(fd, 10, SIGURG) == -1 ? -1 : fcntl(fd, 1024, F_WRLCK);
}
static inline int linux_release_lease(int fd) { return fcntl(fd, 1024, F_UNLCK); }

// MARK: Starting programs

extern int posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *actions, const char *path);

/// posix_spawn_file_actions_addchdir_np(3): the program starts in that directory.
static inline int linux_spawn_in_directory(
    posix_spawn_file_actions_t *actions, const char *path) {
  return posix_spawn_file_actions_addchdir_np(actions, path);
}

/// POSIX_SPAWN_SETSID: the program leads a session of its own.
static const int linux_spawn_in_new_session = 0x80;

/// fork(2), which Swift does not offer: only for a process with a single thread.
static inline pid_t linux_fork(void) { return fork(); }

// MARK: The system's log

extern void syslog(int priority, const char *format, ...);

/// syslog(3), facility LOG_DAEMON.
static inline void linux_log(int priority, const char *text) {
  syslog(3 << 3 | priority, "%s", text);
}

// MARK: Signals

/// Whether whoever started the program asked that it ignore a signal, as nohup(1) does.
static inline int linux_signal_is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

// MARK: Terminals

/// TIOCGWINSZ: the columns of a terminal; 0 where it does not say, or is none.
static inline int linux_terminal_columns(int fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// MARK: Limits

/// setrlimit(2), RLIMIT_NOFILE: lets the process have so many descriptors, or as many as it may.
/// Returns how many it may have now.
static inline uint64_t linux_allow_descriptors(uint64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < wanted) {
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  }
  return limit.rlim_cur;
}

// MARK: Sockets

struct linux_credentials {
  pid_t process;
  uid_t user;
  gid_t group;
};

/// SO_PEERCRED: the process that connected to a Unix socket; -1 where that is not known.
static inline pid_t linux_peer_process(int fd) {
  struct linux_credentials peer;
  socklen_t length = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.process : -1;
}
