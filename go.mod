module github.com/inferometer/inferometer

go 1.26.8

require (
	github.com/NVIDIA/go-nvml v0.13.4-1 // NVIDIA cards
	github.com/danielgtaylor/huma/v2 v2.38.0 // operations, validation and OpenAPI from typed inputs
	github.com/google/uuid v1.6.0 // job ids
	github.com/gorilla/mux v1.8.1 // router
	github.com/klauspost/cpuid/v2 v2.4.2 // CPU model and hypervisor
	github.com/mattn/go-sqlite3 v1.14.53 // storage
	github.com/shirou/gopsutil/v3 v3.24.5 // facts of the host, and readings off Linux
	github.com/spf13/cobra v1.10.2 // command line
	github.com/wailsapp/wails/v2 v2.15.0 // window
	github.com/zalando/go-keyring v0.2.8 // keys of endpoints
	golang.org/x/sys v0.49.0 // process clocks, locks
	gonum.org/v1/gonum v0.17.0 // distributions
	gopkg.in/natefinch/lumberjack.v2 v2.2.1 // log rotation
)

require (
	git.sr.ht/~jackmordaunt/go-toast/v2 v2.0.3 // indirect
	github.com/bep/debounce v1.2.1 // indirect
	github.com/danieljoos/wincred v1.2.3 // indirect
	github.com/go-ole/go-ole v1.3.0 // indirect
	github.com/godbus/dbus/v5 v5.2.2 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jchv/go-winloader v0.0.0-20210711035445-715c2860da7e // indirect
	github.com/labstack/echo/v4 v4.15.1 // indirect
	github.com/labstack/gommon v0.4.2 // indirect
	github.com/leaanthony/go-ansi-parser v1.6.1 // indirect
	github.com/leaanthony/gosod v1.0.4 // indirect
	github.com/leaanthony/slicer v1.6.0 // indirect
	github.com/leaanthony/u v1.1.1 // indirect
	github.com/lufia/plan9stats v0.0.0-20211012122336-39d0f177ccd0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.21 // indirect
	github.com/pkg/browser v0.0.0-20240102092130-5ac0b6a4141c // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/power-devops/perfstat v0.0.0-20210106213030-5aafc221ea8c // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/samber/lo v1.49.1 // indirect
	github.com/shoenig/go-m1cpu v0.1.6 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	github.com/tklauser/go-sysconf v0.3.12 // indirect
	github.com/tklauser/numcpus v0.6.1 // indirect
	github.com/tkrajina/go-reflector v0.5.8 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	github.com/wailsapp/go-webview2 v1.0.22 // indirect
	github.com/wailsapp/mimetype v1.4.1 // indirect
	github.com/yusufpapurcu/wmi v1.2.4 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/text v0.39.0 // indirect
)
