// Long work: in the top bar (how far it is, how to stop it, its files when it is done), and on the page that began it.
// The list is asked for once a second while something runs, and when the appliance says that a job has changed.
import { h, fill, t, named, hasWord, icon, badge, num, bytes, when, duration, trouble, announce } from './ui.js';
import { call, get, on } from './data.js';
import { watchJobs } from './main.js';

let place = null, timer = 0, running = new Set();
export function mount(el) {
	const again = place !== el;
	place = el;
	if (again) on(['jobs', 'reset'], refresh);
	return refresh();
}
// Pages that look for running jobs of their own ask with the bar.
let asked = null;
export const jobList = () => asked ||= get('/api/v1/jobs').finally(() => setTimeout(() => { asked = null; }, 300));
async function refresh() {
	clearTimeout(timer);
	if (!place?.isConnected) return;
	let jobs;
	try {
		jobs = (await jobList()).items;
	} catch {
		timer = setTimeout(refresh, 15000); // the bar beside it says what is wrong
		return;
	}
	for (const j of jobs) if (running.has(j.id) && j.state !== 'running') announce(t(`job.said.${j.state}`, { name: named('job', j.kind) }));
	running = new Set(jobs.filter((j) => j.state === 'running').map((j) => j.id));
	draw(jobs);
	if (!jobs.length) localStorage.removeItem('jobs');
	if (running.size) timer = setTimeout(refresh, 1000);
}
const share = (j) => j.total > 0 ? Math.min(100, Math.floor(j.done / j.total * 100)) : null;

function draw(jobs) {
	const open = place.querySelector('details')?.open, now = jobs.filter((j) => j.state === 'running'), bad = jobs.some((j) => j.state === 'failed');
	const percent = now.length && share(now[0]);
	const text = now.length ? t('jobs.running', { n: percent === null ? '…' : `${percent} %` }) : t('jobs.done', { n: num(jobs.length) });
	if (!jobs.length) return fill(place);
	const list = h('ul', { class: 'jobs' }, jobs.slice(0, 20).map(one));
	const old = place.querySelector('details');
	if (old) {
		// The summary keeps the focus; the list is drawn anew unless something in it is being used.
		fill(old.querySelector('summary'), icon(bad && !now.length ? 'high' : 'down'), h('span', {}, text));
		if (!old.querySelector('ul').contains(document.activeElement) || !now.length) old.querySelector('ul').replaceWith(list);
		return;
	}
	fill(place, h('details', { class: 'user job-menu', open }, h('summary', {}, icon(bad && !now.length ? 'high' : 'down'), h('span', {}, text)),
		h('div', { class: 'menu-card wide' }, h('h2', {}, t('jobs.title')), list)));
}
const LEVEL = { running: 'low', done: 'ok', failed: 'high', cancelled: 'unknown' };
// How far a job is, with its phase in words and the way to stop it.
export function progress(j, after) {
	if (j.state !== 'running') return null;
	const percent = share(j), amount = j.unit === 'bytes' ? bytes : num, unit = j.unit === 'bytes' ? '' : named('unit', j.unit || 'rows');
	const far = j.total > 0 ? t('job.far', { share: percent, done: amount(j.done), total: amount(j.total), unit }) : t('job.far.open', { done: amount(j.done || 0), unit });
	const phase = j.phase && hasWord(`phase.${j.phase}`) && t(`phase.${j.phase}`), left = j.eta_s > 0 && t('job.eta', { time: duration(j.eta_s * 1e9) });
	return h('div', { class: 'progress' }, h('progress', percent === null ? { 'aria-label': far } : { max: 100, value: percent, 'aria-label': far }),
		h('div', { class: 'small' }, [phase, (j.total > 0 || j.done > 0) && far, left].filter(Boolean).join(' · ')),
		j.cancelable && h('button', { type: 'button', onclick: (ev) => { ev.target.disabled = true; call('DELETE', `/api/v1/jobs/${encodeURIComponent(j.id)}`).then(after, after); } }, t('job.cancel')));
}
export const fileList = (files) => files.length > 0 && h('ul', { class: 'files' }, files.map((f) => h('li', {}, h('a', { href: f.href, download: f.name }, f.name), ' ', h('span', { class: 'small' }, bytes(f.bytes)),
	f.sha256 && h('div', { class: 'raw wrap' }, `SHA-256 ${f.sha256}`))));
function one(j) {
	const files = j.result?.files || [];
	return h('li', {}, h('div', {}, badge(LEVEL[j.state] || 'unknown', t(`job.state.${LEVEL[j.state] ? j.state : 'unknown'}`)), ' ', h('strong', {}, named('job', j.kind)), ' ',
		h('span', { class: 'small' }, when(j.asked_at))),
	j.asked?.purpose && h('div', { class: 'small wrap' }, j.asked.purpose),
	progress(j, refresh),
	j.state === 'failed' && h('p', { class: 'small' }, j.detail || t('export.failed')),
	fileList(files),
	files.length > 0 && j.kept_until && h('p', { class: 'small' }, t('jobs.keep', { at: when(j.kept_until) })));
}

const EVERY_MS = 500;

// Jobs begun on a page are followed to their end, where they were begun. Starts one; the button rests meanwhile. ended(job) gives nodes for a job that is done. The job, or null.
export async function job(ctx, place, button, method, path, body, ended, during) {
	if (button.getAttribute('aria-disabled') || place.querySelector('.working')) return null;
	button.setAttribute('aria-disabled', 'true'); // it keeps the focus
	fill(place, h('p', { class: 'small', role: 'status' }, t('work.starting')));
	try {
		return await follow(ctx, place, await call(method, path, body), ended, during);
	} catch (problem) {
		fill(place, trouble(problem));
		return null;
	} finally {
		button.removeAttribute('aria-disabled');
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

// One that runs already (this page was left and opened again): followed, once. is: its kind, or what tells it.
export async function resume(ctx, place, is, ended, during) {
	if (place.dataset.seen) return;
	place.dataset.seen = '1';
	const running = (await jobList().catch(() => null))?.items.find((j) => j.state === 'running' && (typeof is === 'string' ? j.kind === is : is(j)));
	if (running) follow(ctx, place, running, ended, during).catch((problem) => fill(place, trouble(problem)));
}
