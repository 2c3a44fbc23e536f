import type { Component } from 'svelte'
import type { IconProps } from '@lucide/svelte'
import Activity from '@lucide/svelte/icons/activity'
import ArrowDown from '@lucide/svelte/icons/arrow-down'
import ArrowLeft from '@lucide/svelte/icons/arrow-left'
import ArrowRight from '@lucide/svelte/icons/arrow-right'
import ArrowUp from '@lucide/svelte/icons/arrow-up'
import Box from '@lucide/svelte/icons/box'
import Check from '@lucide/svelte/icons/check'
import ChevronDown from '@lucide/svelte/icons/chevron-down'
import ChevronLeft from '@lucide/svelte/icons/chevron-left'
import ChevronRight from '@lucide/svelte/icons/chevron-right'
import ChevronUp from '@lucide/svelte/icons/chevron-up'
import CircleCheck from '@lucide/svelte/icons/circle-check'
import CircleHelp from '@lucide/svelte/icons/circle-question-mark'
import CircleX from '@lucide/svelte/icons/circle-x'
import Clock from '@lucide/svelte/icons/clock'
import Copy from '@lucide/svelte/icons/copy'
import Cpu from '@lucide/svelte/icons/cpu'
import Database from '@lucide/svelte/icons/database'
import Download from '@lucide/svelte/icons/download'
import Ellipsis from '@lucide/svelte/icons/ellipsis'
import ExternalLink from '@lucide/svelte/icons/external-link'
import Eye from '@lucide/svelte/icons/eye'
import FileText from '@lucide/svelte/icons/file-text'
import Flag from '@lucide/svelte/icons/flag'
import FolderOpen from '@lucide/svelte/icons/folder-open'
import Gauge from '@lucide/svelte/icons/gauge'
import GitCompareArrows from '@lucide/svelte/icons/git-compare-arrows'
import HardDrive from '@lucide/svelte/icons/hard-drive'
import History from '@lucide/svelte/icons/history'
import House from '@lucide/svelte/icons/house'
import Info from '@lucide/svelte/icons/info'
import Keyboard from '@lucide/svelte/icons/keyboard'
import List from '@lucide/svelte/icons/list'
import Lock from '@lucide/svelte/icons/lock'
import Maximize from '@lucide/svelte/icons/maximize-2'
import MemoryStick from '@lucide/svelte/icons/memory-stick'
import Minus from '@lucide/svelte/icons/minus'
import Moon from '@lucide/svelte/icons/moon'
import Pause from '@lucide/svelte/icons/pause'
import Pencil from '@lucide/svelte/icons/pencil'
import Pin from '@lucide/svelte/icons/pin'
import Play from '@lucide/svelte/icons/play'
import Plug from '@lucide/svelte/icons/plug'
import Plus from '@lucide/svelte/icons/plus'
import RefreshCw from '@lucide/svelte/icons/refresh-cw'
import RotateCw from '@lucide/svelte/icons/rotate-cw'
import Search from '@lucide/svelte/icons/search'
import Server from '@lucide/svelte/icons/server'
import Settings from '@lucide/svelte/icons/settings'
import Share from '@lucide/svelte/icons/share-2'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal'
import Square from '@lucide/svelte/icons/square'
import Star from '@lucide/svelte/icons/star'
import Sun from '@lucide/svelte/icons/sun'
import TableIcon from '@lucide/svelte/icons/table'
import Tag from '@lucide/svelte/icons/tag'
import Terminal from '@lucide/svelte/icons/terminal'
import Timer from '@lucide/svelte/icons/timer'
import Trash from '@lucide/svelte/icons/trash-2'
import TriangleAlert from '@lucide/svelte/icons/triangle-alert'
import Undo from '@lucide/svelte/icons/undo-2'
import Upload from '@lucide/svelte/icons/upload'
import X from '@lucide/svelte/icons/x'
import Zap from '@lucide/svelte/icons/zap'

/** Every icon of the interface by the name that the Icon primitive takes. */
export const icons = {
  activity: Activity, 'arrow-down': ArrowDown, 'arrow-left': ArrowLeft, 'arrow-right': ArrowRight, 'arrow-up': ArrowUp,
  box: Box, check: Check, 'chevron-down': ChevronDown, 'chevron-left': ChevronLeft, 'chevron-right': ChevronRight,
  'chevron-up': ChevronUp, 'circle-check': CircleCheck, 'circle-x': CircleX, clock: Clock, compare: GitCompareArrows,
  copy: Copy, cpu: Cpu, database: Database, disk: HardDrive, download: Download, ellipsis: Ellipsis, external: ExternalLink,
  eye: Eye, file: FileText, flag: Flag, folder: FolderOpen, gauge: Gauge, help: CircleHelp, history: History, house: House,
  info: Info, keyboard: Keyboard, list: List, lock: Lock, maximize: Maximize, memory: MemoryStick, minus: Minus, moon: Moon,
  pause: Pause, pencil: Pencil, pin: Pin, play: Play, plug: Plug, plus: Plus, refresh: RefreshCw, rotate: RotateCw,
  search: Search, server: Server, settings: Settings, share: Share, shield: ShieldCheck, sliders: SlidersHorizontal,
  square: Square, star: Star, sun: Sun, table: TableIcon, tag: Tag, terminal: Terminal, timer: Timer, trash: Trash,
  'triangle-alert': TriangleAlert, undo: Undo, upload: Upload, x: X, zap: Zap,
} satisfies Record<string, Component<IconProps>>

export type IconName = keyof typeof icons
