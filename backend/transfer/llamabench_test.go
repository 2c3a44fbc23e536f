package transfer

import (
	"strings"
	"testing"
)

// The rows of two tests as the tool's printers write them (tools/llama-bench/llama-bench.cpp).
const (
	benchJSON = `[
  {
    "build_commit": "1a2b3c4", "build_number": 10434, "cpu_info": "Intel(R) Xeon(R)", "gpu_info": "", "backends": "CPU",
    "model_filename": "models/SmolLM2-135M-Instruct-Q4_K_M.gguf", "model_type": "llama ?B Q4_K - Medium", "model_size": 103668480,
    "model_n_params": 134515008, "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "type_k": "f16", "type_v": "f16", "n_gpu_layers": 99,
    "n_prompt": 512, "n_gen": 0, "n_depth": 0, "test_time": "2026-11-22T16:26:24Z",
    "avg_ns": 1500000000, "stddev_ns": 2000000, "avg_ts": 341.5, "stddev_ts": 1.5,
    "samples_ns": [ 1500000000, 1490000000, 1510000000 ],
    "samples_ts": [ 341.0, 343.5, 340.0 ]
  },
  {
    "build_commit": "1a2b3c4", "build_number": 10434, "cpu_info": "Intel(R) Xeon(R)", "gpu_info": "", "backends": "CPU",
    "model_filename": "models/SmolLM2-135M-Instruct-Q4_K_M.gguf", "model_type": "llama ?B Q4_K - Medium", "model_size": 103668480,
    "model_n_params": 134515008, "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "type_k": "f16", "type_v": "f16", "n_gpu_layers": 99,
    "n_prompt": 0, "n_gen": 128, "n_depth": 4096, "test_time": "2026-11-22T16:26:34Z",
    "avg_ns": 2100000000, "stddev_ns": 1000000, "avg_ts": 60.9, "stddev_ts": 0.2,
    "samples_ns": [ 2100000000, 2110000000, 2090000000 ],
    "samples_ts": [ 60.9, 60.7, 61.2 ]
  }
]
`
	benchSQL = `CREATE TABLE IF NOT EXISTS llama_bench (
  build_commit TEXT,
  build_number INTEGER,
  cpu_info TEXT,
  model_filename TEXT,
  n_threads INTEGER,
  n_prompt INTEGER,
  n_gen INTEGER,
  n_depth INTEGER,
  test_time TEXT,
  avg_ns INTEGER,
  stddev_ns INTEGER,
  avg_ts REAL,
  stddev_ts REAL
);

INSERT INTO llama_bench (build_commit, build_number, cpu_info, model_filename, n_threads, n_prompt, n_gen, n_depth, test_time, avg_ns, stddev_ns, avg_ts, stddev_ts) VALUES ('1a2b3c4', '10434', 'Bob''s CPU, it's 3', 'm.gguf', '2', '512', '0', '0', '2026-11-22T16:26:24Z', '1500000000', '2000000', '341.500000', '1.500000');
INSERT INTO llama_bench (build_commit, build_number, cpu_info, model_filename, n_threads, n_prompt, n_gen, n_depth, test_time, avg_ns, stddev_ns, avg_ts, stddev_ts) VALUES ('1a2b3c4', '10434', 'Bob''s CPU, it's 3', 'm.gguf', '4', '0', '128', '0', '2026-11-22T16:26:34Z', '2100000000', '1000000', '60.900000', '0.200000');
`
)

func TestLlamaBench(t *testing.T) {
	lines := strings.NewReplacer("\n", " ").Replace(strings.Trim(strings.TrimSpace(benchJSON), "[]"))
	lines = strings.Replace(lines, "},", "}\n", 1)
	for name, data := range map[string]string{"JSON": benchJSON, "JSONL": lines} {
		t.Run(name, func(t *testing.T) {
			doc, err := Read(File{Name: "b.json", At: at()}, []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Format != "llama-bench" || len(doc.Runs) != 1 {
				t.Fatalf("%s with %d runs", doc.Format, len(doc.Runs))
			}
			r := doc.Runs[0]
			s := r.Summary
			if r.Model != "SmolLM2-135M-Instruct-Q4_K_M" || r.Imported.Version != "b10434" || len(s.Stages) != 2 {
				t.Errorf("%s, %s, %d stages", r.Model, r.Imported.Version, len(s.Stages))
			}
			if s.Stages[0].Name != "pp512" || s.Stages[1].Name != "tg128 @ d4096" || *s.Stages[1].DepthTokens != 4096 {
				t.Errorf("stages %+v", s.Stages)
			}
			if *s.PrefillTokensPerSecond != 341 || *s.DecodeTokensPerSecond != 60.9 || s.TTFTMs.N != 0 || s.OutputTokensPerSecond != nil {
				t.Errorf("figures %+v", s.Figures)
			}
			if figureOf(t, r, "pp512 avg_ts") != 341.5 || figureOf(t, r, "tg128 @ d4096 stddev_ts") != 0.2 {
				t.Errorf("the tool's figures %+v", r.Imported.Figures)
			}
		})
	}
}

// SQL has no repetitions, so there is no median; other settings are another run.
func TestLlamaBenchSQL(t *testing.T) {
	doc, err := Read(File{Name: "b.sql", At: at()}, []byte(benchSQL))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Format != "llama-bench-sql" || len(doc.Runs) != 2 {
		t.Fatalf("%s with %d runs", doc.Format, len(doc.Runs))
	}
	r := doc.Runs[0]
	if figureOf(t, r, "pp512 avg_ts") != 341.5 || r.Summary.PrefillTokensPerSecond != nil || r.Model != "m" {
		t.Errorf("%+v", r.Summary.Figures)
	}
	if !strings.Contains(r.Imported.Notes[0], "Bob's CPU, it's 3") || doc.Runs[0].Name == doc.Runs[1].Name {
		t.Errorf("%v; %s and %s", r.Imported.Notes, doc.Runs[0].Name, doc.Runs[1].Name)
	}
}
