#!/bin/sh
# deb.sh ROOT: build/deb/tomsd_VERSION_ARCH.deb out of ROOT, where `make install DESTDIR=ROOT` has put
# the files. By dpkg-deb alone: nothing is built twice.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
version=$(sed -n 's/^version *= *//p' "$here/version")
arch=$(dpkg --print-architecture)
work=$(dirname "$root")
doc=$root/usr/share/doc/tomsd

strip --strip-unneeded --remove-section=.comment "$root"/usr/sbin/tomsd "$root"/usr/bin/tomsctl
find "$root/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} +
mkdir -p "$doc" "$root/DEBIAN"
{
	printf 'tomsd: Apache License 2.0. The full text is in /usr/share/common-licenses/Apache-2.0.\n'
	printf 'Copyright 2026 the tomsd maintainers\n'
} >"$doc/copyright"
printf 'tomsd (%s) stable; urgency=medium\n\n  * See the history of the source tree.\n\n -- tomsd maintainers <maintainers@tomsd.example>  %s\n' \
	"$version" "$(date -u -R)" | gzip -9n >"$doc/changelog.gz"

# What the programs link, as the distribution names it; dpkg-shlibdeps wants a source package around.
mkdir -p "$work/shlibs/debian"
printf 'Source: tomsd\n\nPackage: tomsd\nArchitecture: any\n' >"$work/shlibs/debian/control"
depends=$(cd "$work/shlibs" && dpkg-shlibdeps -O "$root/usr/sbin/tomsd" "$root/usr/bin/tomsctl" 2>/dev/null |
	sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb.sh: dpkg-shlibdeps (package dpkg-dev) says nothing of the libraries" >&2; exit 1; }

sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@DEPENDS@/$depends/" \
	-e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f1)/" "$here/debian/control.in" >"$root/DEBIAN/control"
install -m 0644 "$here/debian/conffiles" "$root/DEBIAN/conffiles"
install -m 0755 "$here/debian/postinst" "$here/debian/prerm" "$here/debian/postrm" "$root/DEBIAN/"
(cd "$root" && find usr etc -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$root" "$work/tomsd_${version}_$arch.deb"
