// The shell: session, language, theme, navigation, router. Pages live in pages/ and are loaded when
// first opened; each exports show(place, url, go) and may return a function that is called on leaving.
import { h, fill, icon, t, useLanguage, lang, when, announce } from './ui.js';
import { call, session, hello, loadSession, dropSession, live, startLive } from './data.js';

const routes = [
	{ path: '/setup', page: 'setup', bare: true },
	{ path: '/login', page: 'login', bare: true },
	{ path: '/', page: 'overview', word: 'nav.overview', icon: 'overview', group: 'daily' },
	{ path: '/traffic', page: 'traffic', word: 'nav.traffic', icon: 'traffic', group: 'see', roles: ['operator', 'auditor', 'admin'] },
	{ path: '/system', page: 'system', word: 'nav.system', icon: 'system', group: 'admin', roles: ['operator', 'auditor', 'admin'] },
];
const allowed = (route) => !route.roles || route.roles.includes(session?.role);

const root = document.getElementById('app');
let place, leave = null, clockText;

export function go(url, replace) {
	if (replace) history.replaceState(null, '', url); else history.pushState(null, '', url);
	open();
}

// Address changes that keep the page (filters, range, open row).
export function setParams(changes, replace) {
	const url = new URL(location.href);
	for (const [key, value] of Object.entries(changes)) {
		url.searchParams.delete(key);
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== undefined && one !== null && one !== '') url.searchParams.append(key, one);
	}
	go(url.pathname + url.search, replace);
}

let shown = null;
async function open() {
	const url = new URL(location.href);
	const route = routes.find((r) => r.path === url.pathname);
	if (!session && !route?.bare)
		return go(hello.setup_open ? '/setup' : `/login?next=${encodeURIComponent(url.pathname + url.search)}`, true);
	const samePage = shown === route && place?.isConnected;
	if (!samePage) frame(route);
	if (!route || !allowed(route))
		return void fill(place, h('h1', { tabindex: -1 }, t(route ? 'page.denied' : 'page.missing')),
			h('p', {}, t(route ? 'state.denied' : 'page.missing.text'), ' ', h('a', { href: '/' }, t('nav.overview'))));
	const module = await import(`./pages/${route.page}.js`);
	if (samePage && module.update) return module.update(url);
	leave?.();
	shown = route;
	document.title = route.word ? `${t(route.word)} - TOMS` : 'TOMS';
	leave = await module.show(place, url, { go, setParams }) || null;
	if (!samePage) place.querySelector('h1')?.focus({ preventScroll: true });
}

function frame(route) {
	shown = route;
	place = h('main', { id: 'main', tabindex: -1 });
	if (!route || route.bare || !session) return void fill(root, place);
	fill(root,
		h('a', { class: 'skip', href: '#main', onclick: (ev) => { ev.preventDefault(); place.focus(); } }, t('nav.skip')),
		h('header', { class: 'top' },
			h('button', { type: 'button', class: 'quiet menu', 'aria-expanded': 'false', 'aria-controls': 'nav', onclick: (ev) => {
				const isOpen = root.classList.toggle('nav-open');
				ev.currentTarget.setAttribute('aria-expanded', String(isOpen));
			} }, icon('menu'), h('span', { class: 'reader-only' }, t('nav.menu'))),
			h('a', { class: 'brand', href: '/' }, 'TOMS'),
			h('form', { class: 'find', role: 'search', onsubmit: (ev) => {
				ev.preventDefault();
				const text = new FormData(ev.target).get('q').trim();
				if (text) go(`/traffic?q=${encodeURIComponent(text)}`);
			} }, h('input', { name: 'q', type: 'search', autocomplete: 'off', 'aria-label': t('nav.find'), placeholder: t('nav.find') })),
			clockText = h('span', { class: 'live' }),
			userMenu()),
		navigation(route), place,
		h('footer', { class: 'print-foot' }, location.host + location.pathname, ' · ', when(Date.now()), ' JST · ', session.name));
	showLive();
}

function navigation(current) {
	const groups = [...new Set(routes.filter((r) => r.group && allowed(r)).map((r) => r.group))];
	return h('nav', { id: 'nav', 'aria-label': t('nav.pages') }, groups.map((group) => [
		h('h2', {}, t(`nav.group.${group}`)),
		h('ul', {}, routes.filter((r) => r.group === group && allowed(r)).map((r) => h('li', {},
			h('a', { href: r.path, 'aria-current': r === current ? 'page' : undefined }, icon(r.icon), t(r.word))))),
	]));
}

function userMenu() {
	const choose = (name, values, now) => h('label', {}, t(`user.${name}`), h('select', { onchange: async (ev) => {
		await call('PATCH', '/api/v1/session', { [name]: ev.target.value }).catch((p) => announce(p.message));
		location.reload();
	} }, values.map((v) => h('option', { value: v, selected: v === now }, t(`user.${name}.${v}`)))));
	return h('details', { class: 'user' },
		h('summary', {}, session.name),
		h('div', { class: 'menu-card' },
			h('p', {}, t(`role.${session.role}`)),
			session.last_login?.at && h('p', { class: 'small' }, t('user.last', { at: when(session.last_login.at),
				from: session.last_login.from || '—', n: session.failures_since || 0 })),
			choose('lang', ['ja', 'en'], lang), choose('theme', ['system', 'light', 'dark'], session.theme || 'system'),
			h('button', { type: 'button', onclick: signOut }, t('user.out'))));
}

async function signOut() {
	await call('DELETE', '/api/v1/session').catch(() => {});
	dropSession();
	location.assign('/login');
}

function showLive() {
	if (!clockText?.isConnected) return;
	clockText.className = `live ${live.state}`;
	fill(clockText, live.state === 'stopped'
		? t('live.stopped', { at: live.at ? when(live.at) : '—' })
		: t(live.state === 'live' ? 'live.on' : 'live.waiting'));
}

addEventListener('live-state', showLive);
addEventListener('popstate', open);
addEventListener('signed-out', () => {
	if (!session) return;
	dropSession();
	go(`/login?next=${encodeURIComponent(location.pathname + location.search)}`, true);
});
addEventListener('click', (ev) => {
	const link = ev.target.closest?.('a[href^="/"]');
	if (!link || ev.defaultPrevented || ev.button || ev.metaKey || ev.ctrlKey || ev.shiftKey || link.target || link.hasAttribute('download')) return;
	ev.preventDefault();
	root.classList.remove('nav-open');
	go(link.getAttribute('href'));
});
addEventListener('keydown', (ev) => {
	const menu = document.querySelector('details.user[open]');
	if (ev.key === 'Escape' && menu) { menu.open = false; menu.querySelector('summary').focus(); }
});

export async function signedIn(next) {
	await loadSession();
	await wear();
	startLive();
	go(next && next.startsWith('/') && !next.startsWith('//') ? next : '/', true);
}

async function wear() {
	const asked = new URL(location.href).searchParams.get('lang');
	await useLanguage(asked || session?.lang || hello.lang || 'ja');
	const theme = session?.theme;
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
	else delete document.documentElement.dataset.theme;
}

document.getElementById('old').remove();
await loadSession().catch(() => null);
await wear();
if (session) startLive();
open();
