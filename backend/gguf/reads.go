package gguf

import (
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// cacheValueBytes is the size of one value of the context cache as engines keep it by default: f16.
const cacheValueBytes = 2

// reads sums the bytes of tensors by how much of them one decoded token reads.
type reads struct {
	always    int64                // read in each step
	embedding int64                // the table of token rows, whole only where it is the output layer too
	output    bool                 // there is an output layer of its own
	layers    map[int64]layerReads // by number, since layers at the end may not take part
}

// layerReads are always and experts of one layer.
type layerReads struct{ always, experts int64 }

// add counts one tensor. Names are those of the GGUF standard.
func (r *reads) add(name string, bytes int64) {
	switch base, _, _ := strings.Cut(name, "."); base {
	case "token_embd":
		r.embedding += bytes
		return
	case "position_embd", "token_types", "per_layer_token_embd": // a row for each token
		return
	case "enc": // an encoder runs before decoding
		return
	case "output":
		r.output = true
	case "blk":
		if n, rest, ok := blockOf(name); ok {
			if r.layers == nil {
				r.layers = map[int64]layerReads{}
			}
			l := r.layers[n]
			if isExpert(rest) {
				l.experts += bytes
			} else {
				l.always += bytes
			}
			r.layers[n] = l
			return
		}
	}
	r.always += bytes
}

// blockOf splits "blk.7.attn_q.weight" into 7 and "attn_q.weight".
func blockOf(name string) (n int64, rest string, ok bool) {
	number, rest, ok := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	if !ok {
		return 0, "", false
	}
	n, err := strconv.ParseInt(number, 10, 32)
	return n, rest, err == nil && n >= 0
}

// isExpert reports whether a tensor of a layer belongs to its experts: one tensor for all of them
// (ffn_up_exps.weight), or in older files one for each (ffn_up.3.weight). Shared experts (_shexp)
// take part in each step.
func isExpert(rest string) bool {
	parts := strings.Split(rest, ".")
	if strings.HasSuffix(parts[0], "_exps") {
		return true
	}
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "ffn_") {
		return false
	}
	_, err := strconv.Atoi(parts[1])
	return err == nil
}

// bytesPerToken is what one token of one sequence reads of the weights.
func (h *header) bytesPerToken(arch string) *int64 {
	r, always, experts := h.reads, h.reads.always, int64(0)
	// The last layers may predict further tokens ahead; plain decoding leaves them out.
	used := h.numbers[arch+".block_count"] - h.numbers[arch+".nextn_predict_layers"]
	for n, l := range r.layers {
		if n < used || used <= 0 {
			always, experts = always+l.always, experts+l.experts
		}
	}
	if !r.output {
		always += r.embedding // tied: the table is the output layer
	}
	if experts > 0 {
		all, active := h.numbers[arch+".expert_count"], h.numbers[arch+".expert_used_count"]
		if all <= 0 || active <= 0 || active > all {
			return nil
		}
		always += int64(float64(experts) * float64(active) / float64(all))
	}
	return &always
}

// kvBytesPerToken is layers × heads × (key + value) × bytes a value; nil where the cache does not
// grow by the same for each token.
func (h *header) kvBytesPerToken(arch string, info domain.GGUFInfo) *int64 {
	num := func(suffix string) int64 { return int64(clampInt(h.numbers[arch+"."+suffix])) }
	if num("attention.sliding_window") > 0 || num("ssm.state_size") > 0 || num("wkv.head_size") > 0 || info.Layers == 0 || info.Heads == 0 {
		return nil
	}
	layers := int64(info.Layers) - num("nextn_predict_layers")
	if rank := num("attention.kv_lora_rank"); rank > 0 { // latent attention keeps one compressed row
		return cacheBytes(layers, rank+num("rope.dimension_count"))
	}
	head := int64(info.EmbeddingSize / info.Heads)
	key, value := num("attention.key_length"), num("attention.value_length")
	if key == 0 {
		key = head
	}
	if value == 0 {
		value = head
	}
	heads := layers * int64(info.KVHeads)
	if sum := h.sums[arch+".attention.head_count_kv"]; sum > 0 { // told for each layer
		heads = sum
	}
	return cacheBytes(heads, key+value)
}

// cacheBytes refuses what no model has, so that a made-up file cannot overflow.
func cacheBytes(rows, width int64) *int64 {
	const most = 1 << 24
	if rows <= 0 || width <= 0 || rows > most || width > most {
		return nil
	}
	return new(rows * width * cacheValueBytes)
}
