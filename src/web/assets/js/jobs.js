// Long work in the top bar: how far it is, how to stop it, and its files when it is done. Asked for once a second
// while something runs, and when the appliance says that a job has changed.
import { h, fill, t, named, hasWord, icon, badge, num, bytes, when, duration, announce } from './ui.js';
import { call, get, on } from './data.js';

let place = null, timer = 0, running = new Set();
export function mount(el) {
	const again = place !== el;
	place = el;
	if (again) on(['jobs', 'reset'], refresh);
	return refresh();
}
async function refresh() {
	clearTimeout(timer);
	if (!place?.isConnected) return;
	let jobs;
	try {
		jobs = (await get('/api/v1/jobs')).items;
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
