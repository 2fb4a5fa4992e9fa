// Writing search results to a file: what it is for is asked and recorded. Small results come at once, large ones as
// a job that goes on without this page; its file then waits in the list of the top bar.
import { h, fill, t, icon, num, when, trouble } from './ui.js';
import { call, get } from './data.js';
import { watchJobs } from './main.js';

const AT_ONCE = 10000; // rows
const WAIT_MS = 20000; // for a small one; then it is a job like the others

export function ask({ since, until, q, cold }, total) {
	const purpose = h('input', { id: 'purpose', maxlength: 200, autocomplete: 'off', 'aria-describedby': 'purpose-error', placeholder: t('export.purpose.hint') });
	const error = h('p', { class: 'field-error', id: 'purpose-error', role: 'alert' }), bom = h('input', { type: 'checkbox', checked: true });
	const note = h('div', {}), many = !total || total.relation === 'gte' || total.value > AT_ONCE;
	const send = h('button', { type: 'submit', class: 'primary' }, icon('down'), ' ', t(many ? 'export.start' : 'export.now'));
	const dialog = h('dialog', { class: 'box', 'aria-labelledby': 'export-title', onclose: () => dialog.remove() }, h('form', { class: 'card', onsubmit: async (ev) => {
		ev.preventDefault();
		const text = purpose.value.trim();
		const good = [...text].length >= 3;
		purpose.setAttribute('aria-invalid', String(!good));
		fill(error, good ? null : t('export.purpose.needed'));
		if (!good) return void purpose.focus();
		send.disabled = true;
		fill(note, h('p', { class: 'note', role: 'status' }, t('export.working')));
		try {
			const job = await call('POST', '/api/v1/exports', { kind: 'logs', q, since, until, purpose: text, bom: bom.checked, cold });
			watchJobs();
			const files = !many && await fetched(job, dialog);
			if (!files) fill(note, h('p', { class: 'note', role: 'status' }, icon('info'), t('export.started')));
			else fill(note, h('p', { class: 'note', role: 'status' }, icon('ok'), t('export.done')),
				h('ul', {}, files.map((file) => h('li', {}, h('a', { href: file.href, download: file.name }, file.name)))));
			send.remove();
			close.textContent = t('do.close');
			close.focus();
		} catch (problem) {
			send.disabled = false;
			fill(note, trouble(problem));
		}
	} },
	h('h2', { id: 'export-title' }, t('export.title')),
	h('dl', { class: 'pairs' }, h('dt', {}, t('range.title')), h('dd', {}, `${when(since, true)} – ${when(until, true)} JST`),
		h('dt', {}, t('export.words')), h('dd', {}, h('span', { class: 'mono' }, q || t('export.all')), cold && ` · ${t('cold.too')}`),
		h('dt', {}, t('export.rows')), h('dd', {}, total ? t(total.relation === 'gte' ? 'flows.atleast' : 'flows.count', { n: num(total.value) }) : t('level.unknown'))),
	h('p', { class: 'small' }, t(many ? 'export.many' : 'export.few')),
	h('label', { for: 'purpose' }, t('export.purpose')), purpose, error, h('p', { class: 'small' }, t('export.purpose.why')),
	h('label', { class: 'check' }, bom, t('export.bom')), note,
	h('div', { class: 'buttons end' }, h('button', { type: 'button', class: 'cancel', onclick: () => dialog.close() }, t('do.cancel')), send)));
	const close = dialog.querySelector('.cancel');
	document.body.append(dialog);
	dialog.showModal();
	purpose.focus();
}

// Waits for a small job and hands its files to the browser; its files, or false: it takes longer.
async function fetched(job, dialog) {
	for (const end = Date.now() + WAIT_MS; Date.now() < end && dialog.isConnected;) {
		const now = await get(`/api/v1/jobs/${encodeURIComponent(job.id)}`);
		if (now.state === 'failed') throw Object.assign(new Error(), { detail: now.detail || t('export.failed'), status: 500 });
		if (now.state === 'done') {
			const files = now.result?.files || [];
			for (const file of files) {
				h('a', { href: file.href, download: file.name }).click();
				await new Promise((done) => setTimeout(done, 300)); // browsers take one download at a time
			}
			return files;
		}
		await new Promise((done) => setTimeout(done, 250));
	}
	return false;
}
