/* Giving up what the daemon does not need once its sockets and files are open: capabilities, new
 * privileges, core dumps, most of the file system, most system calls. What the kernel does not
 * offer is said in the log, and we go on without: a sensor that runs is worth more. Main thread,
 * between the last init and the first thread. */
#include <dirent.h>
#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/log.h"

#define FILES_WANTED 65536

void limits_raise(struct app *a)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	rlim_t want = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
	if (files.rlim_cur < want) {
		files.rlim_cur = want;
		if (setrlimit(RLIMIT_NOFILE, &files))
			log_warning("app", "open files stay limited errno=%d", errno);
	}
	a->sandbox.files_max = (uint64_t)files.rlim_cur;
}

/* Memory holds secrets and what people say to each other: no core files in the field. */
static void core_dumps_off(void)
{
#ifndef TOMSD_DEBUG
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		log_warning("app", "core dumps stay on errno=%d", errno);
#endif
}

static bool capabilities_are_none(void)
{
	cap_t now = cap_get_proc(), none = cap_init();
	bool same = now && none && cap_compare(now, none) == 0;
	if (now)
		(void)cap_free(now);
	if (none)
		(void)cap_free(none);
	return same;
}

static bool capabilities_drop(void)
{
	/* Ambient and bounding first, while CAP_SETPCAP may still be there; without it they do no harm
	 * under no_new_privs, which is why their result is not looked at. */
	(void)cap_reset_ambient();
	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++)
		(void)cap_drop_bound(c);
	cap_t none = cap_init();
	if (!none || cap_set_proc(none))
		log_warning("app", "capabilities could not be dropped errno=%d", errno);
	if (none)
		(void)cap_free(none);
	return capabilities_are_none();
}

size_t threads_now(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;
	if (!d)
		return 1; /* no /proc here; nothing to compare with */
	for (struct dirent *de; (de = readdir(d));)
		n += de->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

void privileges_drop(struct app *a)
{
	struct sandbox *s = &a->sandbox;
	struct err e = ERR_INIT;
	if (!APP_SANITIZED && threads_now() > 1)
		log_warning("app",
			    "a thread was started before privileges were dropped threads=%zu",
			    threads_now());
	core_dumps_off();
	s->no_capabilities = capabilities_drop();
	s->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (!s->no_new_privs)
		log_warning("app", "no_new_privs refused errno=%d", errno);
	int abi = landlock_enter(a, &e);
	s->landlock_abi = abi > 0 ? abi : 0;
	if (abi < 0)
		log_warning("app", "no Landlock, the file system stays open: %s", e.text);
	e = (struct err)ERR_INIT;
	s->syscalls_filtered = seccomp_enter(&e) == 0;
	if (!s->syscalls_filtered)
		log_warning("app", "no system call filter: %s", e.text);
	log_notice(
		"app",
		"privileges dropped capabilities=%s no_new_privs=%s landlock=%d seccomp=%s files_max=%llu",
		s->no_capabilities ? "none" : "some", s->no_new_privs ? "yes" : "no",
		s->landlock_abi, s->syscalls_filtered ? "yes" : "no",
		(unsigned long long)s->files_max);
}
