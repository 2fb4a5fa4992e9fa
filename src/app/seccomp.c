/* System call filters, by libseccomp. One for the process: what no part of a passive sensor ever
 * needs is refused with EPERM, so that a library that tries goes on; it is a list of what is denied,
 * since the unit file already holds the list of what is allowed (SystemCallFilter=). And one for
 * threads that read hostile bytes: no files, no sockets, no programs. Threads share memory, so that
 * one is a trip-wire and not a wall. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "house.h"
#include "tomsd/base/log.h"

/* execve is what an attacker wants first: in a debug build it ends the process, so that tests see it. */
#ifdef TOMSD_DEBUG
#define ON_EXEC SCMP_ACT_KILL_PROCESS
#else
#define ON_EXEC SCMP_ACT_ERRNO(EPERM)
#endif

static const char
	*const never[] = { /* other programs, other processes' memory, the machine itself */
			   "fork",
			   "vfork",
			   "ptrace",
			   "process_vm_readv",
			   "process_vm_writev",
			   "process_madvise",
			   "pidfd_getfd",
			   "kcmp",
			   "mount",
			   "umount",
			   "umount2",
			   "move_mount",
			   "open_tree",
			   "fsopen",
			   "fsmount",
			   "fsconfig",
			   "fspick",
			   "mount_setattr",
			   "pivot_root",
			   "chroot",
			   "setns",
			   "unshare",
			   "init_module",
			   "finit_module",
			   "delete_module",
			   "create_module",
			   "kexec_load",
			   "kexec_file_load",
			   "bpf",
			   "perf_event_open",
			   "userfaultfd",
			   "keyctl",
			   "add_key",
			   "request_key",
			   "io_uring_setup",
			   "io_uring_enter",
			   "io_uring_register",
			   "open_by_handle_at",
			   "name_to_handle_at",
			   "reboot",
			   "swapon",
			   "swapoff",
			   "acct",
			   "quotactl",
			   "quotactl_fd",
			   "settimeofday",
			   "clock_settime",
			   "clock_adjtime",
			   "adjtimex",
			   "iopl",
			   "ioperm",
			   "modify_ldt",
			   "personality",
			   "sethostname",
			   "setdomainname",
			   "vhangup",
			   "syslog",
			   "lookup_dcookie",
			   "nfsservctl",
			   "uselib",
			   "vm86",
			   "vm86old",
			   "setuid",
			   "setgid",
			   "setreuid",
			   "setregid",
			   "setresuid",
			   "setresgid",
			   "setfsuid",
			   "setfsgid",
			   "setgroups",
			   "mknod",
			   "mknodat",
			   "chown",
			   "fchown",
			   "lchown",
			   "fchownat",
			   NULL
	};

static const char *const no_files_no_sockets[] = { /* for a thread that reads hostile bytes */
						   "open",          "openat",
						   "openat2",       "creat",
						   "truncate",      "unlink",
						   "unlinkat",      "rename",
						   "renameat",      "renameat2",
						   "link",          "linkat",
						   "symlink",       "symlinkat",
						   "mkdir",         "mkdirat",
						   "rmdir",         "chmod",
						   "fchmod",        "fchmodat",
						   "chdir",         "fchdir",
						   "socket",        "socketpair",
						   "connect",       "bind",
						   "listen",        "accept",
						   "accept4",       "kill",
						   "pidfd_open",    "pidfd_send_signal",
						   "prctl",         "capset",
						   "setrlimit",     "inotify_init1",
						   "fanotify_init", "memfd_create",
						   "memfd_secret",  "shmget",
						   "shmat",         "msgget",
						   "semget",        NULL
};

static int deny(scmp_filter_ctx f, uint32_t action, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR)
		return 0; /* a machine without it */
	return seccomp_rule_add(f, action, nr, 0);
}

static int deny_all(scmp_filter_ctx f, const char *const *names)
{
	int rc = 0;
	for (size_t i = 0; names[i] && !rc; i++)
		rc = deny(f, SCMP_ACT_ERRNO(EPERM), names[i]);
	return rc;
}

static int deny_programs(scmp_filter_ctx f)
{
	int rc = deny(f, ON_EXEC, "execve");
	return rc ? rc : deny(f, ON_EXEC, "execveat");
}

/* A new process, but not a new thread. clone3 hides its flags behind a pointer: glibc goes back to
 * clone when it is told that the kernel has none. */
static int deny_processes(scmp_filter_ctx f)
{
	int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return rc ? rc : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* No memory that is writable and executable, and none that becomes executable. Loading a library
 * (the resolver's modules) maps its code executable at once and stays possible. */
static int deny_code_from_data(scmp_filter_ctx f)
{
	uint64_t wx = PROT_WRITE | PROT_EXEC;
	int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, wx, wx));
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(pkey_mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	return rc;
}

int seccomp_enter(struct err *e)
{
	if (APP_SANITIZED)
		return err_set(e, ERR_UNSUPPORTED, "this build is for sanitizers");
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	if (!f)
		return err_set(e, ERR_NOMEM, "libseccomp gives no filter");
	int rc = deny_all(f, never);
	if (!rc)
		rc = deny_programs(f);
	if (!rc)
		rc = deny_processes(f);
	if (!rc)
		rc = deny_code_from_data(f);
	if (!rc)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc ? err_sys(e, -rc, "the kernel refuses it") : 0;
}

void app_sandbox_thread(const char *room)
{
	if (APP_SANITIZED)
		return; /* a report needs /proc/self/maps */
	int rc = -ENOMEM;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	if (f) {
		(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC,
				       0); /* this thread only; the default */
		rc = deny_all(f, no_files_no_sockets);
		if (!rc)
			rc = deny_programs(f);
		if (!rc)
			rc = seccomp_load(f);
		seccomp_release(f);
	}
	if (rc)
		log_warning(room, "thread has no system call filter errno=%d", -rc);
}
