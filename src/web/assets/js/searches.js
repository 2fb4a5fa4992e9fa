// Saved searches: own and shared, opened, named, deleted. The time range is not part of them.
import { h, fill, t, icon, iconButton, trouble } from './ui.js';
import { call, get, session } from './data.js';

export async function menu(place, q, use) {
	const draw = async () => fill(place, card((await get('/api/v1/searches')).items.filter((s) => !s.page || s.page === 'logs'), q, use, draw, place));
	fill(place, h('div', { class: 'menu-card' }, h('p', {}, t('state.loading'))));
	try {
		await draw();
	} catch (problem) {
		fill(place, h('div', { class: 'menu-card' }, trouble(problem, () => menu(place, q, use))));
	}
}
function card(items, q, use, draw, place) {
	const note = h('div', { role: 'alert' }), name = h('input', { id: 'saved-name', maxlength: 64, autocomplete: 'off' }), shared = h('input', { type: 'checkbox' });
	const attempt = (change) => change.then(draw, (problem) => fill(note, trouble(problem)));
	const own = (s) => !s.owner || s.owner === session?.name;
	const list = (title, some) => some.length > 0 && [h('h3', {}, title), h('ul', { class: 'saved-list' }, some.map((s) => h('li', {},
		h('button', { type: 'button', class: 'quiet', title: s.q, onclick: () => use(s.q) }, icon('star'), h('span', {}, s.name)),
		!own(s) && h('span', { class: 'small' }, s.owner),
		(own(s) || session?.role === 'admin') && iconButton('close', t('saved.delete', { name: s.name }), (ev) => sure(ev, s)))))];
	// A second press on the same place deletes; nothing is lost by a slip.
	const sure = (ev, s) => {
		const button = h('button', { type: 'button', class: 'danger', onclick: () => attempt(call('DELETE', `/api/v1/searches/${encodeURIComponent(s.id)}`)) }, t('saved.sure'));
		ev.currentTarget.replaceWith(button);
		button.focus();
	};
	return h('div', { class: 'menu-card' },
		list(t('saved.own'), items.filter(own)), list(t('saved.shared'), items.filter((s) => !own(s))),
		!items.length && h('p', { class: 'small' }, t('saved.none')), note,
		h('form', { class: 'saved-form', onsubmit: (ev) => {
			ev.preventDefault();
			if (!name.value.trim()) return void name.focus();
			attempt(call('POST', '/api/v1/searches', { name: name.value.trim(), page: 'logs', q, shared: shared.checked }));
		} }, h('label', { for: 'saved-name' }, t(q ? 'saved.this' : 'saved.empty')),
		q && [name, h('label', { class: 'check' }, shared, t('saved.share')), h('button', { type: 'submit' }, t('saved.do'))]));
}
