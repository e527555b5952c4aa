#!/bin/sh
# Installs the course from this folder alone, once, into ~/tokenclean, and opens JupyterLab there: sh start.sh
# What is written after it goes to jupyter instead: sh start.sh lab --no-browser
stick=$(cd "$(dirname "$0")" && pwd) || exit 1
home=${TOKENCLEAN_HOME:-$HOME/tokenclean}
for version in VERSIONS; do
  for name in "python$version" python3 python; do
    if "$name" -c "import sys, venv, ensurepip; sys.exit(sys.version.split('.')[:2] != '$version'.split('.'))" 2>/dev/null; then python=$name; break 2; fi
  done
done
if [ -z "$python" ]; then echo 'This stick is for Python VERSIONS, and this laptop has none of them. Open index.html in a browser instead.'; exit 1; fi
mkdir -p "$home" || exit 1
if [ ! -e "$home/ready" ]; then
  echo "Installing into $home, some minutes, once"
  "$python" -m venv "$home/.venv" || exit 1
  "$home/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$stick/wheels" tokenclean_nb jupyterlab || exit 1
  touch "$home/ready"
fi
for part in lessons guides settings.ini; do # answers that were written there stay
  [ -e "$home/$part" ] || cp -R "$stick/notebooks/$part" "$home/" || exit 1
done
cd "$home" || exit 1
export HF_HUB_OFFLINE=1
[ $# -gt 0 ] || set -- lab --LabApp.news_url=None --LabApp.default_url=/lab/tree/lessons/01_not_all_tokens_teach.ipynb
exec "$home/.venv/bin/python" -m jupyter "$@"
