/* Landlock: the process forgets the file system but for the state folder (writable) and a short
 * list of what it reads. Raw system calls; the ABI is asked for and only what it knows is used
 * (Documentation/userspace-api/landlock.rst, ABI 1 in Linux 5.13 to ABI 7 in 6.15). The headers of
 * Debian 12 stop at ABI 2, hence the numbers below. Main thread. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/log.h"
#include "tomsd/base/opt.h"

/* As in the kernel's header of ABI 7. */
#define FS_TRUNCATE (UINT64_C(1) << 14)        /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)       /* ABI 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)        /* ABI 4 */
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct ruleset_attr { /* struct landlock_ruleset_attr, all of it */
	uint64_t fs, net, scoped;
};

#define FS_ABI_1 ((UINT64_C(1) << 13) - 1) /* LANDLOCK_ACCESS_FS_EXECUTE ... MAKE_SYM */
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_ON_FILES                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

static const uint64_t fs_of_abi[] = { 0,
				      FS_ABI_1,
				      FS_ABI_1 | LANDLOCK_ACCESS_FS_REFER,
				      FS_ABI_1 | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE,
				      FS_ABI_1 | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE,
				      FS_ABI_1 | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE |
					      FS_IOCTL_DEV };

/* Read at run time by us or by the C library (resolver, time zones, certificates, its own modules);
 * what is missing on a machine is passed over. */
static const char *const readable[] = { "/etc/ssl",
					"/etc/ca-certificates",
					"/etc/gnutls",
					"/usr/share/ca-certificates",
					"/usr/local/share/ca-certificates",
					"/usr/share/zoneinfo",
					"/etc/localtime",
					"/etc/resolv.conf",
					"/etc/hosts",
					"/etc/host.conf",
					"/etc/gai.conf",
					"/etc/nsswitch.conf",
					"/etc/services",
					"/etc/protocols",
					"/etc/machine-id",
					"/etc/ld.so.cache",
					"/lib",
					"/lib64",
					"/usr/lib",
					"/run/systemd/resolve",
					"/proc/self",
					"/sys/class/net",
					"/sys/devices",
					"/dev/null",
					"/dev/urandom",
					NULL };

struct fence {
	int fd;
	uint64_t handled;
};

static int path_allow(const struct fence *f, const char *path, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access & f->handled };
	struct stat st;
	int rc = 0;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0; /* what is not there needs no way to it */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_ON_FILES;
	rule.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		rc = err_sys(e, errno, "allowing %s", path);
	(void)close(fd);
	return rc;
}

/* The folder, not the file: editors and certificate renewals put a new file in the old one's place. */
static int folder_allow(const struct fence *f, const char *file, struct err *e)
{
	struct stat st;
	if (stat(file, &st) || S_ISDIR(st.st_mode))
		return path_allow(f, file, FS_READ, e);
	if (!S_ISREG(st.st_mode))
		return 0; /* -c /dev/null */
	char *copy = strdup(file);
	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = path_allow(f, dirname(copy), FS_READ, e);
	free(copy);
	return rc;
}

static int labels_allow(const struct fence *f, const struct app *a,
			const struct conf_section *s, const struct opt *o, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < conf_labels(a->conf, s->name) && !rc; i++) {
		const char *label = conf_label(a->conf, s->name, i);
		size_t n = conf_label_count(a->conf, s->name, label, o->name);
		for (size_t k = 0; k < n && !rc; k++)
			rc = folder_allow(
				f, conf_label_item(a->conf, s->name, label, o->name, k), e);
	}
	return rc;
}

/* Every file that the configuration names by an option of type path. */
static int options_allow(const struct fence *f, const struct app *a, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < a->n_sections && !rc; i++) {
		const struct conf_section *s = &a->sections[i];
		for (const struct opt *o = s->opts; o->name && !rc; o++) {
			if (o->type != OPT_PATH)
				continue;
			if (s->labelled) {
				rc = labels_allow(f, a, s, o, e);
				continue;
			}
			size_t n = o->flags & OPT_LIST ? conf_count(a->conf, s->name, o->name) :
							 1;
			for (size_t k = 0; k < n && !rc; k++) {
				const char *p =
					o->flags & OPT_LIST ?
						conf_item(a->conf, s->name, o->name, k) :
						conf_text(a->conf, s->name, o->name);
				if (p && *p)
					rc = folder_allow(f, p, e);
			}
		}
	}
	return rc;
}

static int fence_fill(const struct fence *f, const struct app *a, struct err *e)
{
	uint64_t all = f->handled &
		       ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				   LANDLOCK_ACCESS_FS_MAKE_BLOCK);
	int rc = path_allow(f, a->state_path, all, e);
	for (size_t i = 0; readable[i] && !rc; i++)
		rc = path_allow(f, readable[i], FS_READ, e);
	if (!rc && a->setup.conf_path)
		rc = folder_allow(f, a->setup.conf_path, e);
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	if (!rc && credentials)
		rc = path_allow(f, credentials, FS_READ, e);
	if (!rc)
		rc = options_allow(f, a, e);
	for (size_t i = 0; a->setup.replay_files && a->setup.replay_files[i] && !rc; i++)
		rc = path_allow(f, a->setup.replay_files[i], FS_READ, e);
	for (size_t i = 0; i < a->n_allowed && !rc; i++)
		rc = path_allow(f, a->allowed[i].path, a->allowed[i].writable ? all : FS_READ,
				e);
	return rc;
}

int landlock_enter(const struct app *a, struct err *e)
{
#ifdef TOMSD_COVER
	return err_set(e, ERR_UNSUPPORTED, "this build writes its coverage beside its objects");
#endif
	if (APP_SANITIZED)
		return err_set(e, ERR_UNSUPPORTED, "this build is for sanitizers");
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return err_sys(e, errno, "this kernel has none, or it is off");
	size_t known = (size_t)abi < ARRAY_LEN(fs_of_abi) ? (size_t)abi :
							    ARRAY_LEN(fs_of_abi) - 1;
	struct ruleset_attr attr = {
		.fs = fs_of_abi[known],
		.net = abi >= 4 ? NET_BIND_TCP : 0, /* ports are bound in init */
		.scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0,
	};
	size_t bytes = abi >= 6 ? sizeof(attr) :
		       abi >= 4 ? offsetof(struct ruleset_attr, scoped) :
				  sizeof(attr.fs);
	struct fence f = { .handled = attr.fs };
	f.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0);
	if (f.fd < 0)
		return err_sys(e, errno, "making the rule set");
	int rc = fence_fill(&f, a, e);
	if (!rc && syscall(SYS_landlock_restrict_self, f.fd, 0))
		rc = err_sys(e, errno, "entering the rule set");
	(void)close(f.fd);
	return rc ? rc : (int)abi;
}
