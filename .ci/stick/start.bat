@echo off
rem Installs the course from this folder alone, once, into a folder tokenclean of yours, and opens JupyterLab there
setlocal
set "stick=%~dp0"
if not defined TOKENCLEAN_HOME set "TOKENCLEAN_HOME=%USERPROFILE%\tokenclean"
set "home=%TOKENCLEAN_HOME%"
set "python="
for %%v in (VERSIONS) do (
  if not defined python py -%%v -c "import venv" >nul 2>nul && set "python=py -%%v"
  if not defined python python -c "import sys; sys.exit(sys.version.split('.')[:2] != '%%v'.split('.'))" >nul 2>nul && set "python=python"
)
if not defined python (
  echo This stick is for Python VERSIONS, and this laptop has none of them. Open index.html in a browser instead.
  pause
  exit /b 1
)
if not exist "%home%" mkdir "%home%"
if not exist "%home%\ready" (
  echo Installing into "%home%", some minutes, once
  %python% -m venv "%home%\.venv" || exit /b 1
  "%home%\.venv\Scripts\python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "%stick%wheels" tokenclean_nb jupyterlab || exit /b 1
  echo ready> "%home%\ready"
)
rem answers that were written there stay
for %%p in (lessons guides) do if not exist "%home%\%%p" xcopy /e /i /q "%stick%notebooks\%%p" "%home%\%%p" >nul
if not exist "%home%\settings.ini" copy "%stick%notebooks\settings.ini" "%home%" >nul
cd /d "%home%"
set HF_HUB_OFFLINE=1
"%home%\.venv\Scripts\python" -m jupyter lab --LabApp.news_url=None --LabApp.default_url=/lab/tree/lessons/01_not_all_tokens_teach.ipynb
