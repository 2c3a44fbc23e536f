package api

import (
	"encoding/json"
	"reflect"
)

// fillLists returns v with every nil slice and map replaced by an empty one, so that no list of an
// answer is null. What v points to is left as it is: others may hold it too.
func fillLists(v any) any {
	if v == nil {
		return nil
	}
	out, _ := filled(reflect.ValueOf(v))
	return out.Interface()
}

// filled reports whether the value it returns differs from v.
func filled(v reflect.Value) (reflect.Value, bool) {
	if v.Type().Implements(reflect.TypeFor[json.Marshaler]()) {
		return v, false // it encodes itself
	}
	switch v.Kind() {
	case reflect.Slice:
		return filledSlice(v)
	case reflect.Map:
		if v.IsNil() {
			return reflect.MakeMap(v.Type()), true
		}
	case reflect.Pointer:
		if !v.IsNil() {
			if e, changed := filled(v.Elem()); changed {
				p := reflect.New(v.Type().Elem())
				p.Elem().Set(e)
				return p, true
			}
		}
	case reflect.Interface:
		if !v.IsNil() {
			if e, changed := filled(v.Elem()); changed {
				return e, true
			}
		}
	case reflect.Struct:
		return filledStruct(v)
	}
	return v, false
}

func filledSlice(v reflect.Value) (reflect.Value, bool) {
	if v.IsNil() {
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v, false // bytes are text, not a list
		}
		return reflect.MakeSlice(v.Type(), 0, 0), true
	}
	if !mayHoldLists(v.Type().Elem()) {
		return v, false
	}
	var fresh reflect.Value
	for i := range v.Len() {
		e, changed := filled(v.Index(i))
		if !changed {
			continue
		}
		if !fresh.IsValid() {
			fresh = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(fresh, v)
		}
		fresh.Index(i).Set(e)
	}
	if fresh.IsValid() {
		return fresh, true
	}
	return v, false
}

func filledStruct(v reflect.Value) (reflect.Value, bool) {
	var fresh reflect.Value
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || !mayHoldLists(f.Type) {
			continue
		}
		e, changed := filled(v.Field(i))
		if !changed {
			continue
		}
		if !fresh.IsValid() {
			fresh = reflect.New(v.Type()).Elem()
			fresh.Set(v)
		}
		fresh.Field(i).Set(e)
	}
	if fresh.IsValid() {
		return fresh, true
	}
	return v, false
}

func mayHoldLists(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface, reflect.Struct:
		return true
	case reflect.Pointer:
		return mayHoldLists(t.Elem())
	}
	return false
}
