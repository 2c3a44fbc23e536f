package column

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// How the letters of a column of texts are kept.
const (
	asLetters  = 0
	asDeflated = 1
)

// mostDeflated bounds what a few damaged bytes can make this package unfold.
const mostDeflated = 64 << 20

// AppendTexts appends a column of texts: the different ones, and which one each row has; -1 is none.
func AppendTexts(b []byte, words []string, index []int32) ([]byte, error) {
	var there []bool
	present := make([]int64, 0, len(index))
	for _, n := range index {
		if n >= 0 {
			present = append(present, int64(n))
		} else if there == nil {
			there = make([]bool, len(index))
			for k := range there {
				there[k] = index[k] >= 0
			}
		}
	}
	b = appendHead(b, len(index), there)
	if len(present) == 0 {
		return b, nil
	}
	lengths := make([]int64, len(words))
	for i, w := range words {
		lengths[i] = int64(len(w))
	}
	b = binary.AppendUvarint(b, uint64(len(words)))
	b = packInts(packInts(b, lengths), present)
	letters := strings.Join(words, "")
	deflated, err := deflate(letters)
	if err != nil {
		return nil, err
	}
	if len(letters) > mostDeflated || len(deflated) >= len(letters) {
		return append(append(b, asLetters), letters...), nil
	}
	return append(append(b, asDeflated), deflated...), nil
}

func deflate(text string) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(w, text)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// Texts returns the different texts of a column, and which one each row has; -1 is none.
func Texts(b []byte) (words []string, index []int32, err error) {
	rows, present, there, b, err := head(b)
	if err != nil {
		return nil, nil, err
	}
	index = make([]int32, rows)
	if present == 0 {
		if len(b) > 0 {
			return nil, nil, ErrDamaged
		}
		for i := range index {
			index[i] = -1
		}
		return nil, index, nil
	}
	n, b, err := uvarint(b, MaxRows)
	if err != nil {
		return nil, nil, err
	}
	lengths, b, err := unpackInts(b, make([]int64, n))
	if err != nil {
		return nil, nil, err
	}
	which, b, err := unpackInts(b, make([]int64, present))
	if err != nil {
		return nil, nil, err
	}
	if words, err = unpackWords(b, lengths); err != nil {
		return nil, nil, err
	}
	for i := range index {
		if there != nil && !there[i] {
			index[i] = -1
			continue
		}
		if uint64(which[0]) >= n {
			return nil, nil, ErrDamaged
		}
		index[i], which = int32(which[0]), which[1:]
	}
	return words, index, nil
}

func unpackWords(b []byte, lengths []int64) ([]string, error) {
	if len(b) == 0 {
		return nil, ErrDamaged
	}
	form, b := b[0], b[1:]
	most := int64(mostDeflated)
	if form == asLetters {
		most = int64(len(b))
	}
	var total int64
	for _, n := range lengths {
		if n < 0 || n > most-total {
			return nil, ErrDamaged
		}
		total += n
	}
	var letters strings.Builder
	switch form {
	case asLetters:
		letters.Write(b)
	case asDeflated:
		source := flate.NewReader(bytes.NewReader(b))
		if _, err := io.Copy(&letters, io.LimitReader(source, total+1)); err != nil {
			return nil, ErrDamaged
		}
	default:
		return nil, ErrDamaged
	}
	if int64(letters.Len()) != total {
		return nil, ErrDamaged
	}
	all := letters.String()
	words := make([]string, len(lengths))
	for i, n := range lengths {
		words[i], all = all[:n], all[n:]
	}
	return words, nil
}
