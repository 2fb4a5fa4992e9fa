// Jobs begun on a page: started, followed to their end with progress, and their result shown where they were begun.
import { h, fill, t, named, icon, trouble, announce } from './ui.js';
import { call, get } from './data.js';
import { watchJobs } from './main.js';
import { progress } from './jobs.js';

const EVERY_MS = 500;

// Starts one; the button rests meanwhile. ended(job) gives nodes for a job that is done. The job, or null.
export async function job(ctx, place, button, method, path, body, ended, during) {
	if (button) button.disabled = true;
	fill(place, h('p', { class: 'small', role: 'status' }, t('work.starting')));
	try {
		return await follow(ctx, place, await call(method, path, body), ended, during);
	} catch (problem) {
		fill(place, trouble(problem));
		return null;
	} finally {
		if (button) button.disabled = false;
	}
}

export async function follow(ctx, place, started, ended, during) {
	watchJobs();
	for (let now = started; ;) {
		if (now.state !== 'running') return end(ctx, place, now, ended);
		fill(place, h('div', { class: 'working', role: 'group', 'aria-label': named('job', now.kind) }, h('strong', {}, named('job', now.kind)), progress(now, () => null), during?.(now)));
		await new Promise((done) => setTimeout(done, EVERY_MS));
		if (!place.isConnected) return null; // it goes on in the bar
		try {
			now = await get(`/api/v1/jobs/${encodeURIComponent(started.id)}`);
		} catch (problem) {
			if (problem.status !== 0) throw problem; // unreachable for now: the bar says so
		}
	}
}
async function end(ctx, place, j, ended) {
	announce(t(`job.said.${j.state}`, { name: named('job', j.kind) }));
	fill(place, j.state === 'done' ? ended(j) : j.state === 'failed' ? trouble({ detail: j.detail || t('work.failed', { name: named('job', j.kind) }) })
		: h('p', { class: 'note' }, icon('info'), t('job.said.cancelled', { name: named('job', j.kind) })));
	await ctx.changed();
	return j;
}

// Jobs of these kinds that run already (this page was left and opened again): followed, once.
export async function resume(ctx, place, kind, ended, during) {
	if (place.dataset.seen) return;
	place.dataset.seen = '1';
	const running = (await ctx.jobs().catch(() => null))?.items.find((j) => j.kind === kind && j.state === 'running');
	if (running) follow(ctx, place, running, ended, during).catch((problem) => fill(place, trouble(problem)));
}
