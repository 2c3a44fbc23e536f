/* A stand-in for NVIDIA's libnvidia-ml.so.1 with scripted values, for tests on machines without a
 * GPU. Compile with -DNO_<function> to leave that function out. The environment steers it:
 *   STUB_INIT=code       nvmlInit fails with this code
 *   STUB_GPUS=n          number of GPUs, 1 unless told
 *   STUB_LOST_AFTER=n    from the n-th reading on every call says that the GPU is lost
 *   STUB_HANG_AFTER=n    from the n-th reading on the call sleeps for a minute
 *   STUB_NO_POWER=1      power is not supported
 */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, GPU_IS_LOST = 15 };

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

static int readings;

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

#ifndef NO_nvmlInit_v2
int nvmlInit_v2(void) { return number("STUB_INIT", SUCCESS); }
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
	m->total = 80000000000ull; m->reserved = 1000000000ull; m->used = 20000000000ull;
	m->free = m->total - m->used - m->reserved;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetUtilizationRates
int nvmlDeviceGetUtilizationRates(device d, utilization *u) {
	int hang = number("STUB_HANG_AFTER", -1);
	if (index_of(d) == 0) readings++;
	if (hang >= 0 && readings > hang) sleep(60);
	u->gpu = 60 + 20 * index_of(d); u->memory = 30;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetPowerUsage
int nvmlDeviceGetPowerUsage(device d, unsigned int *mw) {
	(void)d;
	if (number("STUB_NO_POWER", 0)) return NOT_SUPPORTED;
	*mw = 200000;
	return answer();
}
#endif
#ifndef NO_nvmlDeviceGetFieldValues
int nvmlDeviceGetFieldValues(device d, int n, field_value *v) {
	(void)d;
	for (int i = 0; i < n; i++) {
		v[i].ret = v[i].field == 186 && !number("STUB_NO_POWER", 0) ? answer() : NOT_SUPPORTED;
		v[i].type = 1;
		v[i].value.ui = 250000;
	}
	return SUCCESS;
}
#endif
#ifndef NO_nvmlDeviceGetTemperature
int nvmlDeviceGetTemperature(device d, int sensor, unsigned int *c) { (void)sensor; *c = 55 + index_of(d); return answer(); }
#endif
#ifndef NO_nvmlDeviceGetClockInfo
int nvmlDeviceGetClockInfo(device d, int kind, unsigned int *mhz) { (void)d; (void)kind; *mhz = 1755; return answer(); }
#endif
