//go:build realengine

package gguf

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReadsOfRealModel holds the figures of the starter model against what its layers say: 30 layers
// of 3 heads with 64 values for key and value, and an embedding table that is the output layer too,
// so that a token reads almost the whole file.
func TestReadsOfRealModel(t *testing.T) {
	path := filepath.Join(os.Getenv("INFEROMETER_ENGINE_DIR"), "models", "SmolLM2-135M-Instruct.Q4_1.gguf")
	info, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("bytes per token %d of a file of %d, cache %d a token", *info.BytesPerToken, st.Size(), *info.KVBytesPerToken)
	if *info.KVBytesPerToken != 30*3*(64+64)*2 {
		t.Errorf("cache %d bytes a token", *info.KVBytesPerToken)
	}
	if share := float64(*info.BytesPerToken) / float64(st.Size()); share < 0.95 || share > 1 {
		t.Errorf("a token reads %.3f of the file", share)
	}
}
