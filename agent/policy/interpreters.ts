/**
 * Programs that run other programs. An entry for one of them says nothing about what would really run, so it needs
 * `interpreter: true`: the owner's word that the entry's `args` are tight enough.
 */

/** Programs that act by the name they are called by: harmless behind a link of another name. */
const MULTI_CALL = new Set(["busybox", "toybox", "coreutils", "sbase-box", "ubase-box", "uutils", "box"]);

const NAMES = {
  shells:
    "sh ash bash rbash dash zsh rzsh ksh ksh93 rksh mksh lksh pdksh oksh yash posh fish csh tcsh es rc nu nushell " +
    "elvish xonsh osh ysh oil pwsh powershell cmd sash hush",
  languages:
    "python pypy ipython perl ruby irb jruby rake lua luajit texlua node nodejs deno bun qjs tsx ts-node php php-fpm " +
    "php-cgi tclsh wish expect jimsh gawk awk mawk nawk original-awk bwk guile scheme racket sbcl clisp ecl gforth " +
    "ocaml ghc ghci runghc runhaskell java jshell jrunscript groovy kotlin scala clojure erl escript elixir iex " +
    "julia r rscript octave sed gsed ssed m4 gdb lldb dc jjs swipl gst raku npm npx yarn pnpm pip pipx uv uvx " +
    "gem bundle bundler composer cargo go cpan irust evcxr",
  wrappers: "env xargs parallel nice ionice nohup timeout time stdbuf unbuffer setsid setarch linux32 linux64 " +
    "i386 x86_64 uname26 chroot fakeroot unshare nsenter taskset chrt numactl prlimit choom softlimit flock lckdo " +
    "chpst watch script scriptreplay entr fswatch sudo sudoedit doas su runuser pkexec gosu su-exec " +
    "setpriv capsh start-stop-daemon systemd-run run-parts run-one strace ltrace perf valgrind rr catchsegv dbus-run-session " +
    "dbus-launch ssh-agent eatmydata proot bwrap firejail cgexec aa-exec runcon sg newgrp logsave command builtin exec " +
    "rlwrap torsocks proxychains proxychains4 tsocks daemon daemonize dtach abduco ctrlproxy hyperfine",
  hooks:
    "find fd fdfind tar bsdtar gtar cpio zip 7z rsync git hg svn ssh scp sftp slogin make gmake bmake cmake ninja meson " +
    "scons ant mvn gradle gcc cc c++ g++ clang tcpdump logrotate docker podman nerdctl ctr crictl runc crun lxc-attach " +
    "lxc kubectl helm ansible ansible-playbook salt-call puppet chef-client terraform vagrant at batch crontab anacron " +
    "tmux screen byobu socat nc ncat netcat telnet ftp lftp nmap sqlite3 mysql mariadb psql mongo mongosh " +
    "openssl ed red ex vi vim vimdiff nvim view rview rvim emacs nano pico joe jed mg micro hx less more most lesspipe pg " +
    "man info pinfo apt apt-get aptitude dpkg rpm yum dnf zypper apk pacman snap flatpak nix nix-shell guix " +
    "emerge service systemd-inhibit capistrano mutt mail mailx w3m lynx links elinks split sort " +
    "ip crash ctags cscope gimp inkscape wget xdg-open",
} as const;

const RUNNERS: ReadonlySet<string> = new Set(Object.values(NAMES).flatMap((words) => words.split(" ")));

/** The dynamic loader runs whatever file it is given. */
const LOADER = /^ld(?:\.so|-linux|-musl)/;

/**
 * True when the program behind a base name runs other programs: `bash`, `python3.12`, `BASH`, `perl.exe`.
 * @param called false for the name of the file a link leads to: there busybox and its like are only what the link says.
 */
export function runsOthers(baseName: string, called: boolean): boolean {
  const name = baseName.toLowerCase().replace(/\.exe$/, "");
  // Versions and builds: python3.12, gcc-12, php8.2-fpm, python3-dbg, vim.basic.
  const bare = name.replace(/[-.]?\d[\d.]*(?=-|$)/g, "").replace(
    /[-.](?:dbg|debug|static|real|minimal|full|basic|tiny)$/,
    "",
  );
  if (MULTI_CALL.has(name) || MULTI_CALL.has(bare)) return called;
  return RUNNERS.has(name) || RUNNERS.has(bare) || LOADER.test(name);
}
