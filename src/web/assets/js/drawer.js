// The drawer beside a table: its head, steps to the next row, and what pages show of one row: "one" is a module
// with title, path of the API, and details(row) -> nodes.
import { h, fill, t, hasWord, iconButton, trouble, copy } from './ui.js';
import { get } from './data.js';
import { idOf } from './list.js';

let drawer = null, back = null;
export function closeDrawer() {
	drawer?.remove();
	drawer = null;
	document.querySelectorAll('tr[aria-current]').forEach((row) => row.removeAttribute('aria-current'));
	if (back?.isConnected) back.focus();
	back = null;
}

export async function openDrawer(id, rows, setParams, one) {
	const at = rows.findIndex((r) => idOf(r) === id), tr = document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
	document.querySelectorAll('tr[aria-current]').forEach((row) => row.removeAttribute('aria-current'));
	tr?.setAttribute('aria-current', 'true');
	tr?.scrollIntoView({ block: 'nearest' });
	back = tr;
	const body = h('div', {}), close = () => setParams({ row: null });
	const step = (by) => rows[at + by] && setParams({ row: idOf(rows[at + by]) }, { replace: true });
	const head = h('header', { class: 'card-head' }, h('h2', { id: 'drawer-title', tabindex: -1 }, t(one.title)), h('div', {},
		at >= 0 && iconButton('left', t('flow.before'), () => step(-1), { disabled: at === 0 }),
		at >= 0 && iconButton('right', t('flow.after'), () => step(1), { disabled: at === rows.length - 1 }),
		iconButton('close', t('do.close'), close)));
	if (!drawer) document.body.append(drawer = h('aside', { class: 'drawer', role: 'dialog', 'aria-labelledby': 'drawer-title' }));
	drawer.onkeydown = (ev) => {
		if (ev.key === 'Escape') close();
		else if ((ev.key === 'j' || ev.key === 'k') && !ev.target.matches('input, textarea')) step(ev.key === 'j' ? 1 : -1);
	};
	fill(drawer, head, body).scrollTop = 0;
	head.querySelector('h2').focus();
	try {
		fill(body, one.details(rows[at] || await get(`${one.path}/${encodeURIComponent(id)}`)));
	} catch (problem) {
		fill(body, trouble(problem));
	}
}

// One line of a list: name in words, the name outsiders use small beside it, value, copy.
export const line = (word, name, shown, exact) => [
	h('dt', {}, hasWord(word) ? t(word) : name.split('.').pop().replaceAll('_', ' '), h('span', { class: 'raw' }, name)),
	h('dd', {}, shown, iconButton('copy', t('do.copy'), () => copy(String(exact))))];

// A part of a drawer that has to be asked for.
export function part(title, load) {
	const body = h('div', {}, h('p', { class: 'small' }, t('state.loading')));
	const ask = () => load().then((nodes) => fill(body, nodes), (problem) => fill(body, trouble(problem, ask)));
	ask();
	return h('section', {}, h('h3', {}, title), body);
}
