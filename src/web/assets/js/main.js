// The shell: session, language, theme, navigation, router, sign-in over the page. Pages live in pages/ and are
// loaded when first opened; each exports show(place, url, tools), may return a function that is called on
// leaving, and may export update(url) for changes of its own address.
import { h, fill, icon, t, useLanguage, lang, when, clock, announce, trouble } from './ui.js';
import { call, get, session, hello, loadSession, dropSession, live, startLive, leaveEverywhere } from './data.js';

const LOOK = ['operator', 'auditor', 'admin'];
const routes = [
	{ path: '/setup', page: 'setup', word: 'setup.title', bare: true },
	{ path: '/login', page: 'login', word: 'login.title', bare: true },
	{ path: '/', page: 'overview', word: 'nav.overview', icon: 'overview', group: 'daily' },
	{ path: '/traffic', page: 'traffic', word: 'nav.traffic', icon: 'traffic', group: 'see', roles: LOOK },
	{ path: '/logs', page: 'logs', word: 'nav.logs', icon: 'logs', group: 'see', roles: LOOK },
	{ path: '/archive', page: 'archive', word: 'nav.archive', icon: 'archive', group: 'keep', roles: LOOK },
	{ path: '/system', page: 'system', word: 'nav.system', icon: 'system', group: 'admin', roles: LOOK },
];
const routeOf = (url) => routes.find((r) => r.path === url.pathname);
const allowed = (route) => !route.roles || route.roles.includes(session?.role);

const root = document.getElementById('app');
let place, leave = null, shown = null, run = 0, first = true, liveText, jobsPlace, userName = null;

export function go(url, { replace, state } = {}) {
	history[replace ? 'replaceState' : 'pushState'](state || null, '', url);
	open();
}
// Address changes that keep the page: filters, range, open row.
export function setParams(changes, options) {
	const url = new URL(location.href);
	for (const [key, value] of Object.entries(changes))
		if (value === undefined || value === null || value === '') url.searchParams.delete(key);
		else url.searchParams.set(key, value);
	go(url.pathname + url.search, options);
}

async function open() {
	const url = new URL(location.href), route = routeOf(url), mine = ++run;
	if (!session && !route?.bare)
		return go(hello.setup_open ? '/setup' : `/login?next=${encodeURIComponent(url.pathname + url.search)}`, { replace: true });
	try {
		const page = route && (route.bare || allowed(route)) ? await import(`./pages/${route.page}.js`) : null;
		if (mine !== run) return;
		if (page?.update && shown === route && place.isConnected) return page.update(url);
		leave?.();
		leave = null;
		frame(route);
		document.title = `${t(route ? route.word : 'page.missing')} - TOMS`;
		if (page) leave = await page.show(place, url, { go, setParams }) || null;
		else refused(route);
		// On the first load the focus stays at the top, where the skip link is.
		if (!first && !place.contains(document.activeElement)) place.querySelector('h1')?.focus({ preventScroll: true });
		if (!first) scrollTo(0, 0);
		first = false;
	} catch (problem) {
		fill(place || root, h('h1', { tabindex: -1 }, t('state.failed')), trouble(problem, open));
	}
}
function refused(route) {
	fill(place, h('h1', { tabindex: -1 }, t(route ? 'page.denied' : 'page.missing')),
		h('p', {}, route
			? t('page.denied.text', { roles: route.roles.map((r) => t(`role.${r}`)).join(t('list.comma')) }) : t('page.missing.text')),
		h('p', {}, h('a', { href: '/' }, t('page.home'))));
}

// Header and navigation stay while pages change; only the place of the page is new.
function frame(route) {
	const bare = !session || route?.bare;
	shown = route;
	const fresh = h('main', { id: 'main', tabindex: -1 });
	root.classList.remove('nav-open');
	if (!bare && root.querySelector('header.top')) {
		place.replaceWith(fresh);
		for (const link of root.querySelectorAll('#nav a'))
			if (link.getAttribute('href') === route?.path) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
		place = fresh;
		return;
	}
	place = fresh;
	if (bare) return void fill(root, place);
	fill(root,
		h('a', { class: 'skip', href: '#main', onclick: (ev) => { ev.preventDefault(); place.focus(); } }, t('nav.skip')),
		h('header', { class: 'top' },
			h('button', { type: 'button', class: 'quiet menu', 'aria-expanded': 'false', 'aria-controls': 'nav',
				'aria-label': t('nav.menu'), onclick: (ev) => {
				ev.currentTarget.setAttribute('aria-expanded', String(root.classList.toggle('nav-open')));
			} }, icon('menu')),
			h('a', { class: 'brand', href: '/' }, 'TOMS'),
			LOOK.includes(session.role) && h('form', { class: 'find', role: 'search', onsubmit: find },
				icon('search'), h('input', { name: 'q', type: 'search', autocomplete: 'off',
					'aria-label': t('nav.find'), placeholder: t('nav.find') })),
			jobsPlace = h('div', { class: 'jobs-place' }), liveText = h('span', { class: 'live' }),
			userMenu()),
		navigation(route), place);
	showLive();
	if (localStorage.getItem('jobs') && LOOK.includes(session.role)) watchJobs();
}
// Long work this browser has begun is shown in the bar, on every page, until its list is empty.
export async function watchJobs() {
	localStorage.setItem('jobs', '1');
	(await import('./jobs.js')).mount(jobsPlace);
}
// One word is a device; anything else is the search language itself.
function find(ev) {
	ev.preventDefault();
	const text = new FormData(ev.target).get('q').trim();
	if (text) go(`/traffic?q=${encodeURIComponent(/^([\w.-]+|[0-9a-f:.]+(\/\d+)?)$/i.test(text) ? `host:${text}` : text)}`);
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
	const choose = (name, values, now) => h('label', {}, t(`user.${name}`), h('select', { name, onchange: async (ev) => {
		const url = new URL(location.href);
		url.searchParams.delete('lang'); // a choice is stronger than an old link
		await call('PATCH', '/api/v1/session', { [name]: ev.target.value })
			.then(() => location.replace(url), (problem) => announce(problem.message));
	} }, values.map((v) => h('option', { value: v, selected: v === now }, t(`user.${name}.${v}`)))));
	return h('details', { class: 'user' },
		h('summary', {}, icon('user'), h('span', {}, session.name)),
		h('div', { class: 'menu-card' },
			h('p', {}, t('user.role', { role: t(`role.${session.role}`) })),
			session.last_login?.at && h('p', { class: 'small' }, t('user.last', { at: when(session.last_login.at),
				from: session.last_login.from || '—', n: session.failures_since || 0 })),
			choose('lang', ['ja', 'en'], lang), choose('theme', ['system', 'light', 'dark'], session.theme || 'system'),
			h('button', { type: 'button', onclick: signOut }, t('user.out'))));
}
async function signOut() {
	await call('DELETE', '/api/v1/session', undefined, { signIn: true }).catch(() => null);
	leaveEverywhere();
	dropSession();
	location.assign('/login');
}

function showLive() {
	if (!liveText?.isConnected) return;
	const text = t(`live.${live.state}`, { at: clock(live.at || Date.now()) });
	if (liveText.textContent === text) return;
	liveText.className = `live is-${live.state}`;
	liveText.textContent = text;
}

// The session ended under an open page: sign in over it, so that nothing typed is lost.
let again = null;
async function signInAgain() {
	if (again || !session) return;
	const { signInForm } = await import('./pages/login.js');
	if (again) return;
	again = h('dialog', { class: 'again', 'aria-labelledby': 'again-title', oncancel: (ev) => ev.preventDefault() }, signInForm({
		title: h('h2', { id: 'again-title' }, t('again.title')), why: t('again.why'), name: userName,
		done: async () => {
			const before = userName;
			dropSession();
			await loadSession();
			if (session?.name !== before) return location.reload();
			again.close();
			again.remove();
			again = null;
			lastActive = Date.now();
			startLive();
			dispatchEvent(new CustomEvent('signed-in'));
		} }));
	document.body.append(again);
	again.showModal();
}

// Nobody has touched any tab for as long as a session may rest: pages refresh themselves, so it is the page
// that keeps that time. Two minutes before, it asks.
const ASK_MS = 120000;
let lastActive = Date.now(), question = null;
for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart'])
	addEventListener(type, () => {
		if (Date.now() - lastActive > 10000) localStorage.setItem('active', String(Date.now()));
		lastActive = Date.now();
	}, { passive: true, capture: true });
function watchIdle() {
	if (!session || again) return;
	const most = (session.expires?.idle_s || 1800) * 1000;
	const idle = Date.now() - Math.max(lastActive, Number(localStorage.getItem('active')) || 0);
	if (idle < most - ASK_MS) return void (question?.remove(), question = null);
	if (idle >= most) {
		question?.remove();
		question = null;
		call('DELETE', '/api/v1/session', undefined, { signIn: true }).catch(() => null);
		return void signInAgain();
	}
	if (question) return;
	question = h('div', { class: 'question', role: 'alertdialog', 'aria-label': t('idle.ask') }, h('p', {}, t('idle.ask')),
		h('button', { type: 'button', class: 'primary', onclick: () => { get('/api/v1/session').catch(() => null); watchIdle(); } }, t('idle.stay')));
	document.body.append(question);
	announce(t('idle.ask'));
}
setInterval(watchIdle, 5000);

addEventListener('live-state', showLive);
addEventListener('popstate', open);
addEventListener('signed-out', signInAgain);
addEventListener('click', (ev) => {
	for (const menu of document.querySelectorAll('details.user[open], details.saved[open]')) if (!menu.contains(ev.target) && ev.target.isConnected) menu.open = false;
	if (root.classList.contains('nav-open') && !ev.target.closest('#nav, .menu')) root.querySelector('.menu').click();
	const link = ev.target.closest?.('a[href^="/"]');
	if (!link || ev.defaultPrevented || ev.button || ev.metaKey || ev.ctrlKey || ev.shiftKey
		|| link.target || link.hasAttribute('download')) return;
	ev.preventDefault();
	go(link.getAttribute('href'));
});
addEventListener('keydown', (ev) => {
	const menu = document.querySelector('details.user[open]');
	if (ev.key !== 'Escape') return;
	if (menu) { menu.open = false; menu.querySelector('summary').focus(); }
	else if (root.classList.contains('nav-open')) root.querySelector('.menu').click();
});
// The foot of printed pages: where it is from, when, by whom. Page numbers stand in the style sheet.
const paper = new CSSStyleSheet();
document.adoptedStyleSheets = [paper];
addEventListener('beforeprint', () => {
	const text = `${location.host}${location.pathname} · ${when(Date.now())} JST · ${session?.name || ''}`;
	paper.replaceSync(`@page { @bottom-left { content: ${JSON.stringify(text)}; font-size: 9px; } }`);
});

export async function signedIn(next) {
	await loadSession();
	await wear();
	startLive();
	go(next && /^\/(?![/\\])/.test(next) ? next : '/', { replace: true });
}

// Language and theme of this person; the theme is remembered so that the next load does not flash.
async function wear() {
	const asked = new URL(location.href).searchParams.get('lang');
	userName = session?.name || null;
	if (session) localStorage.setItem('theme', session.theme);
	dress(localStorage.getItem('theme'));
	await useLanguage(asked || session?.lang || hello.lang || 'ja');
}
function dress(theme) {
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
	else delete document.documentElement.dataset.theme;
}

dress(localStorage.getItem('theme'));
document.getElementById('old').remove();
const early = routeOf(new URL(location.href));
if (early) import(`./pages/${early.page}.js`).catch(() => null); // fetched while the session is asked for
try {
	await loadSession();
	await wear();
	document.getElementById('offline').remove();
	if (session) startLive();
	open();
} catch {
	document.getElementById('offline').hidden = false;
}
