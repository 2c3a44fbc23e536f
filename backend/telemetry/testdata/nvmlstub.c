/* A stand-in for NVIDIA's libnvidia-ml.so.1 with scripted values, for tests on machines without a
 * GPU. Compile with -DNO_<function> to leave that function out. The environment steers it:
 *   STUB_INIT=code       nvmlInit fails with this code
 *   STUB_GPUS=n          number of GPUs, 1 unless told
 *   STUB_LOST_AFTER=n    from the n-th reading on every call says that the GPU is lost
 *   STUB_HANG_AFTER=n    from the n-th reading on the call sleeps for a minute
 *   STUB_NO_POWER=1      power is not supported
 *   STUB_NO_MEAN=1       power is told for the instant alone
 *   STUB_NO_ENERGY=1     the counter of energy is not supported
 *   STUB_PCIE_HANGS=1    the throughput of PCIe never comes
 *   STUB_OLD_PROCESSES=1 the memory of single processes is not known
 *   STUB_CURVE=file      play this curve of one GPU, a line for each change: milliseconds, use in %,
 *                        memory in MB, power in mW, temperature, clock in MHz, reasons. The first
 *                        reading is at 0 ms and each later one STUB_STEP ms on.
 *   STUB_ORIGIN=ms       play the curve by the clock: 0 ms is so many ms after 1970
 */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };

typedef struct { unsigned long index; } *device;
typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned long long total, free, used; } memory_v1;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct {
	unsigned int field, scope;
	long long timestamp, latency;
	unsigned int type, ret;
	union { unsigned int ui; unsigned long long ull; } value;
} field_value;

typedef struct { unsigned int pid; unsigned long long memory; } process_v1;
typedef struct { unsigned int pid; unsigned long long memory; unsigned int instance, part; } process_v2;
typedef struct { double ms; unsigned int util, mb, mw, temp, clock; unsigned long long reasons; } point;

static int readings;
static point curve[256];
static int points;

static int number(const char *name, int otherwise) {
	const char *v = getenv(name);
	return v ? atoi(v) : otherwise;
}

static int lost(void) {
	int after = number("STUB_LOST_AFTER", -1);
	return after >= 0 && readings > after;
}

static int answer(void) { return lost() ? GPU_IS_LOST : SUCCESS; }

static unsigned long index_of(device d) { return (unsigned long)d - 1; }

static int text(char *to, unsigned int room, const char *what) {
	if (lost()) return GPU_IS_LOST;
	snprintf(to, room, "%s", what);
	return SUCCESS;
}

static void read_curve(void) {
	const char *path = getenv("STUB_CURVE");
	FILE *f = path ? fopen(path, "r") : NULL;
	point p;
	while (f && points < 256 && fscanf(f, "%lf,%u,%u,%u,%u,%u,%llu", &p.ms, &p.util, &p.mb, &p.mw, &p.temp, &p.clock, &p.reasons) == 7)
		curve[points++] = p;
	if (f) fclose(f);
}

static double now_ms(void) {
	const char *origin = getenv("STUB_ORIGIN");
	struct timespec t;
	if (origin) {
		clock_gettime(CLOCK_REALTIME, &t);
		return t.tv_sec * 1e3 + t.tv_nsec / 1e6 - atof(origin);
	}
	return readings > 0 ? (readings - 1.0) * number("STUB_STEP", 100) : 0;
}

/* The point of the curve that holds now, NULL without a curve. */
static point *now(void) {
	point *found = points > 0 ? curve : NULL;
	for (int i = 0; i < points; i++)
		if (curve[i].ms <= now_ms()) found = &curve[i];
	return found;
}

/* The energy in mJ that the curve has used up to now, on top of what an older program used. */
static unsigned long long energy(void) {
	double mj = 123456789, t = now_ms();
	for (int i = 0; i < points && curve[i].ms < t; i++) {
		double to = i + 1 < points && curve[i + 1].ms < t ? curve[i + 1].ms : t;
		mj += curve[i].mw * (to - curve[i].ms) / 1000;
	}
	return mj;
}

#ifndef NO_nvmlInit_v2
int nvmlInit_v2(void) { read_curve(); return number("STUB_INIT", SUCCESS); }
#endif
#ifndef NO_nvmlShutdown
int nvmlShutdown(void) { return SUCCESS; }
#endif
#ifndef NO_nvmlSystemGetDriverVersion
int nvmlSystemGetDriverVersion(char *v, unsigned int n) { return text(v, n, "580.65.06"); }
#endif
#ifndef NO_nvmlDeviceGetCount_v2
int nvmlDeviceGetCount_v2(unsigned int *n) { *n = number("STUB_GPUS", 1); return SUCCESS; }
#endif
#ifndef NO_nvmlDeviceGetHandleByIndex_v2
int nvmlDeviceGetHandleByIndex_v2(unsigned int i, device *d) { *d = (device)(unsigned long)(i + 1); return SUCCESS; }
#endif
#ifndef NO_nvmlDeviceGetName
int nvmlDeviceGetName(device d, char *v, unsigned int n) { (void)d; return text(v, n, "Scripted GPU"); }
#endif
#ifndef NO_nvmlDeviceGetUUID
int nvmlDeviceGetUUID(device d, char *v, unsigned int n) { (void)d; return text(v, n, "GPU-0001"); }
#endif
#ifndef NO_nvmlSystemGetCudaDriverVersion
int nvmlSystemGetCudaDriverVersion(int *v) { *v = 13000; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetCudaComputeCapability
int nvmlDeviceGetCudaComputeCapability(device d, int *major, int *minor) { (void)d; *major = 9; *minor = 0; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetEnforcedPowerLimit
int nvmlDeviceGetEnforcedPowerLimit(device d, unsigned int *mw) { (void)d; *mw = 350000; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetMaxPcieLinkGeneration
int nvmlDeviceGetMaxPcieLinkGeneration(device d, unsigned int *v) { (void)d; *v = 5; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetMaxPcieLinkWidth
int nvmlDeviceGetMaxPcieLinkWidth(device d, unsigned int *v) { (void)d; *v = 16; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetMemoryInfo
int nvmlDeviceGetMemoryInfo(device d, memory_v1 *m) {
	(void)d;
	m->total = 80000000000ull; m->used = 21000000000ull; m->free = m->total - m->used;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetMemoryInfo_v2
int nvmlDeviceGetMemoryInfo_v2(device d, memory_v2 *m) {
	(void)d;
	if (m->version != (sizeof *m | 2u << 24)) return 25; /* argument version mismatch */
	m->total = 80000000000ull; m->reserved = 1000000000ull;
	m->used = now() ? now()->mb * 1000000ull : 20000000000ull;
	m->free = m->total - m->used - m->reserved;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetUtilizationRates
int nvmlDeviceGetUtilizationRates(device d, utilization *u) {
	int hang = number("STUB_HANG_AFTER", -1);
	if (index_of(d) == 0) readings++;
	if (hang >= 0 && readings > hang) sleep(60);
	u->gpu = now() ? now()->util : 60 + 20 * index_of(d); u->memory = 30;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetPowerUsage
int nvmlDeviceGetPowerUsage(device d, unsigned int *mw) {
	(void)d;
	if (number("STUB_NO_POWER", 0)) return NOT_SUPPORTED;
	*mw = now() ? now()->mw : 200000;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetFieldValues
int nvmlDeviceGetFieldValues(device d, int n, field_value *v) {
	(void)d;
	for (int i = 0; i < n; i++) {
		int known = v[i].field == 186 || (v[i].field == 185 && !number("STUB_NO_MEAN", 0));
		v[i].ret = known && !number("STUB_NO_POWER", 0) ? answer() : NOT_SUPPORTED;
		v[i].type = 1;
		v[i].value.ui = now() ? now()->mw : v[i].field == 186 ? 250000 : 210000;
	}
	return SUCCESS;
}
#endif
#ifndef NO_nvmlDeviceGetTemperature
int nvmlDeviceGetTemperature(device d, int sensor, unsigned int *c) {
	(void)sensor;
	*c = now() ? now()->temp : 55 + index_of(d);
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetClockInfo
int nvmlDeviceGetClockInfo(device d, int kind, unsigned int *mhz) {
	(void)d;
	*mhz = kind == 2 ? 2619 : now() ? now()->clock : 1755;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetMaxClockInfo
int nvmlDeviceGetMaxClockInfo(device d, int kind, unsigned int *mhz) { (void)d; *mhz = kind == 2 ? 2619 : 1980; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetMemoryBusWidth
int nvmlDeviceGetMemoryBusWidth(device d, unsigned int *v) { (void)d; *v = 5120; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetVbiosVersion
int nvmlDeviceGetVbiosVersion(device d, char *v, unsigned int n) { (void)d; return text(v, n, "96.00.89.00.01"); }
#endif
#ifndef NO_nvmlDeviceGetEccMode
int nvmlDeviceGetEccMode(device d, int *now, int *later) { (void)d; *now = 1; *later = 0; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetMigMode
int nvmlDeviceGetMigMode(device d, unsigned int *now, unsigned int *later) { (void)d; *now = 0; *later = 1; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetPersistenceMode
int nvmlDeviceGetPersistenceMode(device d, int *v) { (void)d; *v = 1; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetFanSpeed
int nvmlDeviceGetFanSpeed(device d, unsigned int *v) { (void)d; *v = 42; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetTotalEnergyConsumption
int nvmlDeviceGetTotalEnergyConsumption(device d, unsigned long long *mj) {
	(void)d;
	if (number("STUB_NO_ENERGY", 0)) return NOT_SUPPORTED;
	*mj = lost() ? 0 : energy();
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetCurrentClocksEventReasons
int nvmlDeviceGetCurrentClocksEventReasons(device d, unsigned long long *v) { (void)d; *v = now() ? now()->reasons : 0x24; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetCurrentClocksThrottleReasons
int nvmlDeviceGetCurrentClocksThrottleReasons(device d, unsigned long long *v) { (void)d; *v = 0x08; return answer(); }
#endif
#ifndef NO_nvmlDeviceGetPcieThroughput
int nvmlDeviceGetPcieThroughput(device d, int counter, unsigned int *v) {
	(void)d;
	if (number("STUB_PCIE_HANGS", 0)) sleep(60);
	usleep(20000);
	*v = counter == 1 ? 1500000 : 250000;
	return answer();
}
#endif
/* This process computes and draws with 6 GB, the one that started it computes with 2 GB, and process
 * 1 draws with 3 GB. */
static int list(unsigned int *n, void *to, int graphics, int v1) {
	struct { unsigned int pid; unsigned long long memory; } all[2] = {
		{ getpid(), 6000000000ull }, { graphics ? 1 : getppid(), graphics ? 3000000000ull : 2000000000ull },
	};
	if (lost()) return GPU_IS_LOST;
	if (*n < 2) { *n = 2; return INSUFFICIENT_SIZE; }
	*n = 2;
	for (int i = 0; i < 2; i++) {
		unsigned long long memory = number("STUB_OLD_PROCESSES", 0) ? ~0ull : all[i].memory;
		if (v1) ((process_v1 *)to)[i] = (process_v1){ all[i].pid, memory };
		else ((process_v2 *)to)[i] = (process_v2){ all[i].pid, memory, ~0u, ~0u };
	}
	return SUCCESS;
}
/* This process used 60 and 80 % of the time, and process 1 used STUB_FOREIGN %. */
#ifndef NO_nvmlDeviceGetProcessUtilization
typedef struct { unsigned int pid; unsigned long long at; unsigned int sm, memory, encoder, decoder; } use;
int nvmlDeviceGetProcessUtilization(device d, use *to, unsigned int *n, unsigned long long since) {
	(void)d;
	if (lost()) return GPU_IS_LOST;
	if (since > 2000) return 6; /* nothing newer: not found */
	if (!to || *n < 3) { *n = 3; return INSUFFICIENT_SIZE; }
	to[0] = (use){ getpid(), 1000, 60, 10, 0, 0 };
	to[1] = (use){ getpid(), 2000, 80, 10, 0, 0 };
	to[2] = (use){ 1, 2000, number("STUB_FOREIGN", 0), 1, 0, 0 };
	*n = 3;
	return SUCCESS;
}
#endif
#ifndef NO_nvmlDeviceGetComputeRunningProcesses_v3
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned int *n, void *to) { (void)d; return list(n, to, 0, 0); }
#endif
#ifndef NO_nvmlDeviceGetGraphicsRunningProcesses_v3
int nvmlDeviceGetGraphicsRunningProcesses_v3(device d, unsigned int *n, void *to) { (void)d; return list(n, to, 1, 0); }
#endif
#ifndef NO_nvmlDeviceGetComputeRunningProcesses
int nvmlDeviceGetComputeRunningProcesses(device d, unsigned int *n, void *to) { (void)d; return list(n, to, 0, 1); }
#endif
#ifndef NO_nvmlDeviceGetGraphicsRunningProcesses
int nvmlDeviceGetGraphicsRunningProcesses(device d, unsigned int *n, void *to) { (void)d; return list(n, to, 1, 1); }
#endif
