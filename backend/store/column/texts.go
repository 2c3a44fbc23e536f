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

// AppendTexts appends a column of texts: each different one once, then which one each row has. there says
// which rows have one, nil: all.
func AppendTexts(b []byte, values []string, there []bool) ([]byte, error) {
	b = appendHead(b, len(values), there)
	number := map[string]int64{}
	var lengths, index []int64
	var letters strings.Builder
	for i, v := range values {
		if there != nil && !there[i] {
			continue
		}
		n, known := number[v]
		if !known {
			n = int64(len(lengths))
			number[v] = n
			lengths = append(lengths, int64(len(v)))
			letters.WriteString(v)
		}
		index = append(index, n)
	}
	if len(index) == 0 {
		return b, nil
	}
	b = binary.AppendUvarint(b, uint64(len(lengths)))
	b = packInts(packInts(b, lengths), index)
	deflated, err := deflate(letters.String())
	if err != nil {
		return nil, err
	}
	if letters.Len() > mostDeflated || len(deflated) >= letters.Len() {
		return append(append(b, asLetters), letters.String()...), nil
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

// Texts returns the texts of a column, and which rows have one; nil: all. The others are empty.
func Texts(b []byte) (values []string, there []bool, err error) {
	rows, present, there, b, err := head(b)
	if err != nil {
		return nil, nil, err
	}
	values = make([]string, rows)
	if present == 0 {
		if len(b) > 0 {
			return nil, nil, ErrDamaged
		}
		return values, there, nil
	}
	n, b, err := uvarint(b, uint64(present))
	if err != nil {
		return nil, nil, err
	}
	lengths, b, err := unpackInts(b, int(n))
	if err != nil {
		return nil, nil, err
	}
	index, b, err := unpackInts(b, present)
	if err != nil {
		return nil, nil, err
	}
	words, err := unpackWords(b, lengths)
	if err != nil {
		return nil, nil, err
	}
	for i := range values {
		if there != nil && !there[i] {
			continue
		}
		if uint64(index[0]) >= n {
			return nil, nil, ErrDamaged
		}
		values[i], index = words[index[0]], index[1:]
	}
	return values, there, nil
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
