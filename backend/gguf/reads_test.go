package gguf

import (
	"bytes"
	"testing"
)

// model is a file of two layers; F32 tensors of n values take 4n bytes.
func model(change func(w *writer)) *writer {
	w := newWriter().text("general.architecture", "m").u32("m.block_count", 2).u32("m.embedding_length", 64).
		u32("m.attention.head_count", 4).u32("m.attention.head_count_kv", 2)
	if change != nil {
		change(w)
	}
	return w.tensor("token_embd.weight", 0, 64, 100).tensor("blk.0.attn_q.weight", 0, 1000).
		tensor("blk.1.attn_q.weight", 0, 1000).tensor("output_norm.weight", 0, 64)
}

func TestBytesPerToken(t *testing.T) {
	const layers, norm, table = 8000, 256, 25600
	experts := func(w *writer) {
		w.u32("m.expert_count", 8).u32("m.expert_used_count", 2).tensor("blk.0.ffn_up_exps.weight", 0, 800).
			tensor("blk.0.ffn_up_shexp.weight", 0, 50).tensor("blk.1.ffn_gate_inp.weight", 0, 10)
	}
	for name, c := range map[string]struct {
		w    *writer
		want int64 // −1: not known
	}{
		"tied":       {model(nil), layers + norm + table},
		"own output": {model(func(w *writer) { w.tensor("output.weight", 0, 6400) }), layers + norm + 25600},
		"experts":    {model(experts), layers + norm + table + 3200*2/8 + 200 + 40},
		"old experts": {model(func(w *writer) {
			w.u32("m.expert_count", 4).u32("m.expert_used_count", 1).tensor("blk.0.ffn_up.3.weight", 0, 400)
		}), layers + norm + table + 400},
		"experts without their number": {model(func(w *writer) { w.tensor("blk.0.ffn_up_exps.weight", 0, 800) }), -1},
		"rows":                         {model(func(w *writer) { w.tensor("per_layer_token_embd.weight", 0, 900).tensor("token_types.weight", 0, 9) }), layers + norm + table},
		"encoder":                      {model(func(w *writer) { w.tensor("enc.blk.0.attn_q.weight", 0, 900) }), layers + norm + table},
		"predicts on":                  {model(func(w *writer) { w.u32("m.nextn_predict_layers", 1) }), layers/2 + norm + table},
		"unknown type":                 {model(func(w *writer) { w.tensor("x", 999, 64) }), -1},
		"odd names":                    {model(func(w *writer) { w.tensor("blk.x", 0, 1).tensor("blk.-1.a", 0, 1) }), layers + norm + table + 8},
	} {
		b := c.w.file()
		info, err := ReadFrom(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := int64(-1)
		if info.BytesPerToken != nil {
			got = *info.BytesPerToken
		}
		if got != c.want {
			t.Errorf("%s: %d bytes a token, want %d", name, got, c.want)
		}
	}
}

func TestKVBytesPerToken(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*writer)
		want   int64 // −1: not known
	}{
		"by the width":   {nil, 2 * 2 * (16 + 16) * 2},
		"own head sizes": {func(w *writer) { w.u32("m.attention.key_length", 24).u32("m.attention.value_length", 8) }, 2 * 2 * 32 * 2},
		"heads by layer": {func(w *writer) { w.u32s("m.attention.head_count_kv", 3, 0) }, 3 * 32 * 2},
		"latent":         {func(w *writer) { w.u32("m.attention.kv_lora_rank", 512).u32("m.rope.dimension_count", 64) }, 2 * 576 * 2},
		"window":         {func(w *writer) { w.u32("m.attention.sliding_window", 1024) }, -1},
		"state":          {func(w *writer) { w.u32("m.ssm.state_size", 16) }, -1},
		"made up":        {func(w *writer) { w.u32("m.attention.key_length", 1<<31-1) }, -1},
		"all predict on": {func(w *writer) { w.u32("m.nextn_predict_layers", 2) }, -1},
	} {
		b := model(c.change).file()
		info, err := ReadFrom(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := int64(-1)
		if info.KVBytesPerToken != nil {
			got = *info.KVBytesPerToken
		}
		if got != c.want {
			t.Errorf("%s: %d bytes a token of context, want %d", name, got, c.want)
		}
	}
}

func TestACutFileTellsNoReads(t *testing.T) {
	b := model(nil).file()
	info, err := ReadFrom(bytes.NewReader(b[:300]), 300)
	if err == nil || info.BytesPerToken != nil || info.KVBytesPerToken != nil {
		t.Errorf("%+v, %v", info, err)
	}
}
